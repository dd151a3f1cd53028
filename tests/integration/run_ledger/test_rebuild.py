"""The history rebuilt from the journal while facts go on coming, and compared with the one in use."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from run_ledger.adapters.rebuilding.rebuild import rebuild
from signalbox_contracts import ids
from signalbox_contracts.messages import JournalFact
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.testing.waiting import eventually
from tests.declared_topics import apply_topics
from tests.integration.run_ledger import journal, processes
from tests.integration.run_ledger.processes import LedgerProcess
from tests.integration.run_ledger.test_processes import lanes
from tests.unit.run_ledger import facts


@pytest.fixture
def ledger(kafka_bootstrap: str, database_url: str, tmp_path: Path) -> Iterator[LedgerProcess]:
    apply_topics(kafka_bootstrap)
    journal.make_history(database_url)
    process = LedgerProcess(kafka_bootstrap, database_url, 0, tmp_path / "ledger.log")
    yield process
    process.end()


def told(prefix: str) -> list[tuple[str, JournalFact]]:
    return lanes(f"{prefix}-{os.getpid()}")


def shown(database_url: str, lanes: list[tuple[str, JournalFact]]) -> None:
    runs = processes.judged_runs(lanes)
    eventually(lambda: processes.ended_runs(database_url, runs) == len(runs), "all are shown")


def test_a_rebuild_under_load_ends_equal_and_the_ledger_goes_on(
    kafka_bootstrap: str, database_url: str, ledger: LedgerProcess
) -> None:
    first, during, after = told("r1"), told("r2"), told("r3")
    processes.publish(kafka_bootstrap, first)
    shown(database_url, first)
    publisher = threading.Thread(target=processes.publish, args=(kafka_bootstrap, during))
    publisher.start()
    kafka = ConfluentKafka({"bootstrap.servers": kafka_bootstrap}, client_id="rebuild")
    rebuilt = rebuild(kafka, database_url, lambda _: None)
    publisher.join()
    assert (rebuilt.differences, rebuilt.swapped) == ([], True)
    processes.publish(kafka_bootstrap, after)
    shown(database_url, [*during, *after])
    again = rebuild(kafka, database_url, lambda _: None)
    assert (again.differences, again.swapped) == ([], True)
    assert ledger.process.poll() is None

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE history.runs SET status = 'failed' WHERE event_id LIKE 'r2-%%'")
        old = ids.run_id(1_600_000_000_000, "demo", "old", "wf-1")
        connection.execute("CREATE TABLE history.runs_2020_09 (LIKE history.runs INCLUDING DEFAULTS)")
        connection.execute(
            "ALTER TABLE history.runs ATTACH PARTITION history.runs_2020_09"
            " FOR VALUES FROM ('01744000-0000-0000-0000-000000000000')"
            " TO ('01750000-0000-0000-0000-000000000000')"
        )
        connection.execute(
            "INSERT INTO history.runs SELECT (r).* FROM (SELECT jsonb_populate_record(x, %s) r"
            " FROM history.runs x LIMIT 1) y",
            (f'{{"run_id": "{old}", "started_at_ms": 1600000000000}}',),
        )
    refused = rebuild(kafka, database_url, lambda _: None)
    assert not refused.swapped
    assert [(each.table, each.differing > 0) for each in refused.differences][:1] == [("runs", True)]
    repaired = rebuild(kafka, database_url, lambda _: None, accept_differences=True)
    assert repaired.swapped
    assert processes.ended_runs(database_url, processes.judged_runs(during)) == len(
        processes.judged_runs(during)
    )
    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            "SELECT count(*) FROM history.runs WHERE run_id = %s::uuid", (old,)
        ).fetchone()
        figures = connection.execute(
            "SELECT sum(run_count) FROM history.workflow_figures WHERE tenant_id = %s", (facts.TENANT,)
        ).fetchone()
        runs = connection.execute(
            "SELECT count(*) FROM history.runs"
            " WHERE tenant_id = %s AND status <> 'skipped' AND run_id <> %s::uuid",
            (facts.TENANT, old),
        ).fetchone()
    assert kept == (1,)
    assert figures is not None
    assert runs is not None
    assert figures[0] == runs[0]  # the old row was never a fact, so it was never counted
