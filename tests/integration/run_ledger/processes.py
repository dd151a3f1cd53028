"""The ledger as real processes on real Kafka: facts are published as the runner does, rows are read back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import psycopg
from confluent_kafka import Producer

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import EventJudged, JournalFact


def publish(bootstrap: str, lanes: Iterable[tuple[str, JournalFact]]) -> None:
    """Appends facts to the journal, each under its record's lane."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
    for record_id, fact in lanes:
        key = ids.lane("demo", "leads", record_id)
        while True:
            try:
                producer.produce(topics.RUNS_JOURNAL, codec.encode(fact), key)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(30) == 0


class LedgerProcess:
    """One `python -m run_ledger`."""

    def __init__(self, bootstrap: str, database_url: str, slot: int, log: Path, fault: str = "") -> None:
        environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "SIGNALBOX_DATABASE_URL": database_url,
            "RUN_LEDGER_SLOT": str(slot),
            "SIGNALBOX_FAULT": fault,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "run_ledger"), env=environment, stdout=output, stderr=output
            )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout_seconds: float = 20) -> int:
        """Stops it cleanly if it still runs; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def is_stopped(ledger: LedgerProcess) -> bool:
    """Whether SIGSTOP holds it."""
    status = Path(f"/proc/{ledger.process.pid}/stat").read_text(encoding="utf-8")
    return status.rpartition(")")[2].split()[0] == "T"


def ended_runs(database_url: str, run_ids: Sequence[str]) -> int:
    """How many of these runs the history shows as successful."""
    with psycopg.connect(database_url) as connection:
        if connection.execute("SELECT to_regclass('history.runs')").fetchone() == (None,):
            return 0
        row = connection.execute(
            "SELECT count(*) FROM history.runs WHERE run_id = ANY(%s::uuid[]) AND status = 'success'",
            (list(run_ids),),
        ).fetchone()
    assert row is not None
    return int(row[0])


def judged_runs(lanes: Iterable[tuple[str, JournalFact]]) -> list[str]:
    """The ids of the runs that these facts start."""
    return [
        judgement.run_id
        for _, fact in lanes
        if isinstance(fact, EventJudged)
        for judgement in fact.judgements
        if judgement.outcome == "started"
    ]
