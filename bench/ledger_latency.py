"""From a fact sent to its row seen: a ledger process on real Kafka, 500 runs a second, a large history.

A run's row counts as seen when the projection's transaction, which also tells of it, is committed.
"""

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Producer

from bench.ledger_journal import Journal
from run_ledger.adapters.projection.notes import CHANNEL
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import EventJudged, JournalFact, LateResult, RunRedacted
from signalbox_embedded.kafka import EmbeddedKafka
from tests.declared_topics import apply_topics
from tests.integration.run_ledger.processes import LedgerProcess

RUNS_PER_SECOND = 500
EVENTS_PER_SECOND = 2.0 * RUNS_PER_SECOND
FACTS_PER_SECOND = 5 * RUNS_PER_SECOND
TICK_SECONDS = 0.01
WARM_UP_SECONDS = 20
"""A broker's first minute is slow, and so is a session's first use of its statements."""
MEASURED_SECONDS = 20


def run(url: str) -> list[dict[str, Any]]:
    """Half and 99 of 100 runs were seen within these ms."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder) / "kafka") as kafka:
        apply_topics(kafka.bootstrap)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DELETE FROM history.offsets")  # this Kafka's journal begins at 0
        ledger = LedgerProcess(kafka.bootstrap, url, 0, Path(folder) / "ledger.log")
        try:
            latencies = _latencies(kafka.bootstrap, url)
        finally:
            ledger.end()
    quantiles = statistics.quantiles(latencies, n=100)
    return [
        {"name": f"ledger.fact_to_row_p{share}_ms", "value": round(value, 1), "unit": "ms", "runs": []}
        for share, value in ((50, quantiles[49]), (99, quantiles[98]))
    ]


def _latencies(bootstrap: str, url: str) -> list[float]:
    """Milliseconds of every run that began in the measured time."""
    sent_at: dict[str, float] = {}
    seen_at: dict[str, float] = {}
    done = threading.Event()
    listening = threading.Thread(target=_listen, args=(url, seen_at, done))
    listening.start()
    try:
        measured_from = time.monotonic() + WARM_UP_SECONDS
        _send(bootstrap, sent_at, measured_from + MEASURED_SECONDS)
        give_up_at = time.monotonic() + 30
        measured = {run: sent for run, sent in sent_at.items() if sent >= measured_from}
        while measured.keys() - seen_at.keys() and time.monotonic() < give_up_at:
            time.sleep(0.1)
    finally:
        done.set()
        listening.join()
    # What had gathered before the ledger was up is told of as "many", and is not measured.
    lost = measured.keys() - seen_at.keys()
    assert not lost, f"{len(lost)} of {len(measured)} runs were never seen"
    return [(seen_at[run] - sent) * 1000 for run, sent in measured.items()]


def _send(bootstrap: str, sent_at: dict[str, float], until: float) -> None:
    journal = Journal(int(time.time() * 1000), EVENTS_PER_SECOND)
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 1})
    tick = time.monotonic()
    while tick < until:
        for fact in journal.facts(round(FACTS_PER_SECOND * TICK_SECONDS)):
            run_id = _run_of(fact)
            if isinstance(fact, EventJudged) and fact.judgements[0].outcome == "started":
                sent_at[run_id] = time.monotonic()
            producer.produce(topics.RUNS_JOURNAL, codec.encode(fact), run_id.encode())
        producer.poll(0)
        tick += TICK_SECONDS
        time.sleep(max(tick - time.monotonic(), 0))
    assert producer.flush(30) == 0


def _run_of(fact: JournalFact) -> str:
    match fact:
        case EventJudged():
            return fact.judgements[0].run_id
        case LateResult() | RunRedacted():
            raise AssertionError("not among the measured facts")
        case _:
            return fact.run_id


def _listen(url: str, seen_at: dict[str, float], done: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        while not done.is_set():
            for notification in connection.notifies(timeout=0.5):
                now = time.monotonic()
                for run_id in notification.payload.rpartition(" ")[2].split(","):
                    seen_at.setdefault(run_id, now)
