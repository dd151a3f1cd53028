"""The ledger: how fast facts become rows, and how fast rows are found, with one million runs in the history.

Facts go through decoding, fold and PostgreSQL as in the service, with its settings of the interpreter; Kafka
is only in the last figure, from a fact sent to its row seen, at 500 runs a second. Reads go through the whole
API but its socket. `SIGNALBOX_BENCH_RUNS` sets another number of runs; a million takes about six minutes.
"""

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

import run_ledger
from bench import ledger_latency, ledger_reads
from bench.ledger_journal import JOURNAL, Journal
from run_ledger.adapters.projection.prepared import Prepared, prepared
from run_ledger.adapters.projection.projection_store import ProjectionStore
from run_ledger.domain.fold import Fact
from run_ledger.interpreter import favour_the_projection
from signalbox_embedded.postgres import EmbeddedPostgres
from signalbox_runtime.clock import SystemClock
from signalbox_runtime.database import migrate
from signalbox_runtime.loops.projection import BATCH_MAX_RECORDS

RUNS = int(os.environ.get("SIGNALBOX_BENCH_RUNS", "1000000"))
DAYS = 30
DAY_MS = 86_400_000
MEASURED_FACTS = 150_000
ROUNDS = 3
PEAK_EVENTS_PER_SECOND = 8_000.0
MICROSECONDS = 1_000_000


def run() -> list[dict[str, Any]]:
    """Measures on a PostgreSQL of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder), durable=True) as postgres,
    ):
        migrate(postgres.url, ("ledger", "history"), Path(run_ledger.__path__[0]) / "migrations")
        results = _facts(postgres.url)
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        results += ledger_reads.run(postgres.url)
        return results + ledger_latency.run(postgres.url)


def _facts(url: str) -> list[dict[str, Any]]:
    store = ProjectionStore(url, "bench")
    store.claim([JOURNAL])
    journal = Journal(SystemClock().now_ms() - DAYS * DAY_MS, PEAK_EVENTS_PER_SECOND)
    favour_the_projection()
    try:
        _measured(store, journal, url)  # the interpreter and the server get warm
        empty = [_measured(store, journal, url) for _ in range(ROUNDS)]
        _seed(store, journal)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # of the seeding, which is no part of it
        journal.go_to(SystemClock().now_ms(), PEAK_EVENTS_PER_SECOND)
        full = [_measured(store, journal, url) for _ in range(ROUNDS)]
    finally:
        store.close()
        gc.unfreeze()
    rates, full_cpu, empty_cpu = (
        [one["rate"] for one in full],
        [one["cpu"] for one in full],
        [one["cpu"] for one in empty],
    )
    slower = 100 * (statistics.median(full_cpu) / statistics.median(empty_cpu) - 1)
    return [
        _figure("ledger.facts_per_second", rates, "facts/s"),
        _figure("ledger.facts_per_second_empty", [one["rate"] for one in empty], "facts/s"),
        _figure("ledger.cpu_us_per_fact", full_cpu, "us"),
        _figure("ledger.cpu_us_per_fact_python", [one["python"] for one in full], "us"),
        _figure("ledger.cpu_us_per_fact_empty", empty_cpu, "us"),
        _figure("ledger.cpu_more_when_full_percent", [slower], "%"),
    ]


def _seed(store: ProjectionStore, journal: Journal) -> None:
    """A month of runs, kept by the projection itself; only their encoding is left out."""
    begin_ms = SystemClock().now_ms() - DAYS * DAY_MS
    journal.go_to(begin_ms, events_per_second=2 * RUNS / (DAYS * 86_400))

    def batch() -> Prepared:
        first = journal.offset
        facts = journal.facts(BATCH_MAX_RECORDS)
        digests = (offset.to_bytes(8, "big") for offset in range(first, journal.offset))
        return prepared(list(map(Fact, facts, digests)), {JOURNAL: journal.offset})

    _keep(store, batch, until=lambda: journal.runs >= RUNS)


def _measured(store: ProjectionStore, journal: Journal, url: str) -> dict[str, float]:
    batches = [journal.records(BATCH_MAX_RECORDS) for _ in range(MEASURED_FACTS // BATCH_MAX_RECORDS)]
    gc.collect()
    gc.freeze()  # what was made for the measurement is no part of it
    facts = sum(map(len, batches))
    waiting = iter(batches)
    left = [len(batches)]

    def batch() -> Prepared:
        left[0] -= 1
        return store.prepare(next(waiting))

    server = _server_cpu_seconds(url)
    begun, used = time.perf_counter(), time.process_time()
    _keep(store, batch, until=lambda: not left[0])
    took, python = time.perf_counter() - begun, time.process_time() - used
    server = _server_cpu_seconds(url) - server
    return {
        "rate": facts / took,
        "python": python / facts * MICROSECONDS,
        "cpu": (python + server) / facts * MICROSECONDS,
    }


def _keep(store: ProjectionStore, batch: Callable[[], Prepared], until: Callable[[], bool]) -> None:
    """As `signalbox_runtime.loops.projection` does: a batch is made while the one before is kept."""
    with ThreadPoolExecutor(1) as executor:
        storing = executor.submit(store.store, batch())
        while not until():
            following = batch()
            storing.result()
            storing = executor.submit(store.store, following)
        storing.result()


def _server_cpu_seconds(url: str) -> float:
    """Processor time of the projection's session in PostgreSQL so far."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'run-ledger-projection'"
        ).fetchone()
    assert row is not None
    fields = Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _figure(name: str, runs: list[float], unit: str) -> dict[str, Any]:
    runs = [round(each, 1) for each in runs]
    return {"name": name, "value": statistics.median(runs), "unit": unit, "runs": runs}
