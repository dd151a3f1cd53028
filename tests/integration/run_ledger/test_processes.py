"""Killed, stopped and joined by others, ledgers come to the same tables as one that nobody disturbed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from signalbox_contracts.messages import JournalFact
from signalbox_runtime.testing.waiting import eventually
from tests.declared_topics import apply_topics
from tests.integration.run_ledger import journal, processes
from tests.integration.run_ledger.processes import LedgerProcess
from tests.unit.run_ledger import facts

EVENTS = 400


def lanes(prefix: str) -> list[tuple[str, JournalFact]]:
    """Events of many records, each with a successful run of three facts and a skipped one."""
    told: list[tuple[str, JournalFact]] = []
    for number in range(EVENTS):
        record, event_id = f"lead-{prefix}-{number % 50}", f"{prefix}-{number}"
        run = facts.run_id(event_id)
        source = facts.event(event_id, record)
        told.append(
            (
                record,
                facts.judged(
                    facts.started(event_id=event_id), facts.skipped(event_id=event_id), source=source
                ),
            )
        )
        told.append((record, facts.succeeded(2, 0, run)))
        told.append((record, facts.succeeded(3, 1, run, record=b'{"stage":"Won"}')))
        told.append((record, facts.run_succeeded(4, run)))
    return told


@pytest.fixture
def started(request: pytest.FixtureRequest) -> Iterator[list[LedgerProcess]]:
    running: list[LedgerProcess] = []
    yield running
    for process in running:
        process.end()


def test_killed_stopped_and_replaced_ledgers_lose_and_double_nothing(
    kafka_bootstrap: str, database_url: str, started: list[LedgerProcess], tmp_path: Path
) -> None:
    apply_topics(kafka_bootstrap)
    journal.make_history(database_url)
    prefix = f"p{os.getpid()}"
    told = lanes(prefix)
    expected = processes.judged_runs(told)

    def start(slot: int, fault: str = "") -> LedgerProcess:
        process = LedgerProcess(kafka_bootstrap, database_url, slot, tmp_path / f"{slot}.log", fault)
        started.append(process)
        return process

    half = len(told) // 2
    processes.publish(kafka_bootstrap, told[:half])
    for slot, fault in enumerate(("ledger.before_commit:kill:1", "ledger.after_commit:kill:1")):
        killed = start(slot, fault)
        eventually(lambda: killed.process.poll() == -signal.SIGKILL, fault)  # noqa: B023
    processes.publish(kafka_bootstrap, told[half:])
    stalled = start(2, "ledger.before_commit:stop:1")
    eventually(lambda: processes.is_stopped(stalled), "the third one is stopped")
    start(3)
    eventually(lambda: processes.ended_runs(database_url, expected) == EVENTS, "every run is shown")
    stalled.send(signal.SIGCONT)
    repeated = told[::7]
    processes.publish(kafka_bootstrap, repeated)
    more = lanes(prefix + "b")
    processes.publish(kafka_bootstrap, more)
    eventually(
        lambda: processes.ended_runs(database_url, processes.judged_runs(more)) == EVENTS,
        "the later ones too",
    )
    assert journal.miscounted(database_url) == []
    with psycopg.connect(database_url) as connection:
        defects = connection.execute("SELECT count(*) FROM history.defects").fetchone()
    assert defects == (0,)
