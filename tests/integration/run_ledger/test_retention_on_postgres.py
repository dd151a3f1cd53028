"""Retention drops partitions and never counts; rows that come for a dropped time make it anew."""

from datetime import UTC, datetime

import psycopg

from run_ledger.adapters.erasure import retention
from run_ledger.domain.retention import Ages
from signalbox_contracts.messages import JournalFact
from tests.integration.run_ledger import journal
from tests.unit.run_ledger import facts

AGES = Ages(runs=400, payloads=90, verdicts=90, skipped=7)
LATER = datetime(2027, 4, 1, tzinfo=UTC)


def rows(database_url: str, table: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(f"SELECT count(*) FROM history.{table}").fetchone()
    assert row is not None
    return int(row[0])


def test_each_kind_goes_at_its_age_and_counts_stay(database_url: str) -> None:
    journal.make_history(database_url)
    told: list[JournalFact] = [facts.judged(facts.started(), facts.skipped()), facts.succeeded(2)]
    with journal.store_of(database_url) as store:
        store.store(store.prepare(journal.inbound(told)))
        with psycopg.connect(database_url, autocommit=True) as connection:
            assert retention.due(connection, AGES, datetime(2026, 11, 25, tzinfo=UTC)) == []
            lines: list[str] = []
            retention.describe(retention.due(connection, AGES, LATER), lines.append)
            assert sorted(lines) == [
                "drop events_2026_11: payloads older than 2026-12-01",
                "drop payloads_2026_11: payloads older than 2026-12-01",
                "drop skipped_runs_2026_11_23: skipped older than 2026-11-24",
                "drop verdicts_2026_11: verdicts older than 2026-12-01",
            ]
        assert retention.keep_house(database_url, AGES, LATER) == 4
        assert retention.keep_house(database_url, AGES, LATER) == 0
        counts = [
            rows(database_url, name) for name in ("runs", "attempts", "skipped_runs", "events", "verdicts")
        ]
        assert counts == [1, 1, 0, 0, 0]
        with psycopg.connect(database_url) as connection:
            figures = connection.execute(
                "SELECT workflow_id, run_count, skipped_count FROM history.workflow_figures ORDER BY 1"
            ).fetchall()
        assert figures == [("wf-1", 1, 0), ("wf-2", 0, 1)]
        late = facts.judged(facts.skipped("wf-2", "evt-2"), source=facts.event("evt-2"))
        store.store(store.prepare(journal.inbound([late], len(told))))
    assert rows(database_url, "skipped_runs") == 1


def test_a_tenant_with_a_shorter_age_loses_its_rows_alone(database_url: str) -> None:
    journal.make_history(database_url)
    with journal.store_of(database_url) as store:
        store.store(store.prepare(journal.inbound([facts.judged(facts.started())])))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO history.runs SELECT (r).*"
            " FROM (SELECT jsonb_populate_record(x, %s) r FROM history.runs x) y",
            ('{"tenant_id": "other"}',),
        )
        connection.execute("INSERT INTO ledger.retention (tenant_id, runs_days) VALUES ('other', 30)")
    retention.keep_house(database_url, AGES, LATER)
    with psycopg.connect(database_url) as connection:
        left = connection.execute("SELECT tenant_id FROM history.runs").fetchall()
        connection.execute("DELETE FROM ledger.retention")
    assert left == [("demo",)]
