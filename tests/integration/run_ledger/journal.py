"""A journal in memory, and the history it comes to, as text that two histories can be compared by."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

import run_ledger
from run_ledger.adapters.projection.projection_store import ProjectionStore
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import JournalFact
from signalbox_runtime.database import migrate
from signalbox_runtime.records import Inbound, TopicPartition

JOURNAL = TopicPartition(topics.RUNS_JOURNAL, 0)
MIGRATIONS = Path(run_ledger.__path__[0]) / "migrations"
DERIVED = (
    "runs",
    "skipped_runs",
    "attempts",
    "payloads",
    "events",
    "verdicts",
    "late_results",
    "defects",
    "redactions",
    "figures",
    "figure_buckets",
    "figure_latencies",
    "figure_latency_totals",
)


def make_history(database_url: str) -> None:
    """An empty history, whatever was there."""
    migrate(database_url, ("ledger", "history"), MIGRATIONS)
    tables = ", ".join(f"history.{table}" for table in (*DERIVED, "offsets"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {tables}, ledger.retries, ledger.cancels, ledger.resolutions")


@contextmanager
def store_of(database_url: str, owner: str = "ledger-0") -> Iterator[ProjectionStore]:
    """A store that owns the journal's one partition."""
    store = ProjectionStore(database_url, owner)
    store.claim([JOURNAL])
    try:
        yield store
    finally:
        store.close()


def inbound(messages: Iterable[JournalFact], first_offset: int = 0) -> list[Inbound]:
    """The facts as records of the journal."""
    return [
        Inbound(
            topic=JOURNAL.topic,
            partition=JOURNAL.partition,
            offset=first_offset + number,
            timestamp_ms=0,
            key=b"demo/leads/lead-42",
            value=codec.encode(message),
        )
        for number, message in enumerate(messages)
    ]


def told(database_url: str, *batches: Sequence[JournalFact]) -> dict[str, list[str]]:
    """The tables of a new history that was told these batches."""
    make_history(database_url)
    with store_of(database_url) as store:
        offset = 0
        for batch in batches:
            if batch:
                store.store(store.prepare(inbound(batch, offset)))
            offset += len(batch)
    return dump(database_url)


def dump(database_url: str, schema: str = "history") -> dict[str, list[str]]:
    """Every derived table as PostgreSQL prints its rows, in order."""
    with psycopg.connect(database_url) as connection:
        return {
            table: sorted(
                str(row[0])
                for row in connection.execute(f"SELECT t::text FROM {schema}.{table} t").fetchall()
            )
            for table in DERIVED
        }


def miscounted(database_url: str) -> list[tuple[object, ...]]:
    """Where figures and rows differ, seen in one snapshot: workflow, status, rows, figure."""
    with psycopg.connect(database_url) as connection:
        return connection.execute(
            """WITH told AS (
                SELECT tenant_id, workflow_id, status FROM history.runs WHERE workflow_id IS NOT NULL
                UNION ALL
                SELECT tenant_id, workflow_id, 'skipped' FROM history.skipped_runs),
            shown AS (
                SELECT tenant_id, workflow_id, status, count(*) AS runs FROM told GROUP BY 1, 2, 3),
            counted AS (
                SELECT tenant_id, workflow_id, f.key AS status, f.value::bigint AS runs
                FROM history.workflow_figures, jsonb_each_text(runs_by_status) f WHERE f.value <> '0')
            SELECT workflow_id, status, shown.runs, counted.runs
            FROM shown FULL JOIN counted USING (tenant_id, workflow_id, status)
            WHERE shown.runs IS DISTINCT FROM counted.runs"""
        ).fetchall()
