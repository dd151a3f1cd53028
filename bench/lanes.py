"""The lanes loop by itself on real Kafka: executors that do nothing, or wait 5 ms in the place of a call.

`python -m bench.lanes worker …` is the process that is measured.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits, Work
from signalbox_runtime.loops.lanes.schedule import NO_DESTINATION
from signalbox_runtime.loops.lanes.service import run_lanes
from signalbox_runtime.process.settings import ServiceSettings
from signalbox_runtime.process.shell import Service, run_service
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition

PARTITIONS = 4
RUNS = 3
RECORDS = 60_000
QUEUED = 100_000
VALUE = b"x" * 700
"""About the size of a token."""
CALL_SECONDS = 0.005


class BenchHandler:
    """Writes one record per record. `destinations`: 0 calls nobody; `hangs`: every call takes an hour."""

    def __init__(self, destinations: int, hangs: bool) -> None:
        self._destinations = destinations
        self._call_seconds = 3_600.0 if hangs else CALL_SECONDS

    def assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        return None

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        return None

    def skipped(self, inbound: Inbound) -> None:
        return None

    def tenant_of(self, inbound: Inbound) -> str | None:
        return "acme"

    def accept(self, inbound: Inbound) -> Work[None]:
        destination = f"d{inbound.offset % self._destinations}" if self._destinations else NO_DESTINATION
        return Work(inbound, "acme", destination, None)

    def execute(self, work: Work[None]) -> Outbox | Coroutine[Any, Any, Outbox]:
        return self._call(work) if self._destinations else self._answer(work)

    def overflow(self, work: Work[None], wait_ms: int) -> Outbox:
        return self._answer(work)

    async def _call(self, work: Work[None]) -> Outbox:
        await asyncio.sleep(self._call_seconds)
        return self._answer(work)

    def _answer(self, work: Work[None]) -> Outbox:
        key = work.inbound.key
        assert key is not None
        return Outbox((Outbound(os.environ["BENCH_OUTPUT"], key, VALUE),))


class BenchSettings(ServiceSettings):
    """Nothing of its own."""


def worker(group: str, topic: str, destinations: int, hangs: bool, held_max: int) -> int:
    """The process that is measured."""

    @asynccontextmanager
    async def open_handler() -> AsyncIterator[LaneHandler[None]]:
        yield BenchHandler(destinations, hangs)

    def main(service: Service[BenchSettings]) -> None:
        limits = LaneLimits(held_max=held_max)
        run_lanes(service, topics=[topic], open_handler=open_handler, limits=limits)

    return run_service(group, BenchSettings, main)


def run() -> list[dict[str, Any]]:
    """Throughput without calls, with calls to one destination and to twenty; memory with a backlog."""
    with _kafka() as bootstrap:
        _throughput(bootstrap, 0)  # a young broker is slow
        nothing = [_throughput(bootstrap, 0) for _ in range(RUNS)]
        one = [_throughput(bootstrap, 1) for _ in range(RUNS)]
        twenty = [_throughput(bootstrap, 20) for _ in range(RUNS)]
        waiting = _memory(bootstrap, LaneLimits().held_max)
        in_memory = _memory(bootstrap, 2 * QUEUED)
    return [
        _result("lanes.records_per_second", nothing, "1/s"),
        _result("lanes.calls_per_second_one_destination", one, "1/s"),
        _result("lanes.calls_per_second_twenty_destinations", twenty, "1/s"),
        _result("lanes.rss_mb_100000_waiting_in_kafka", [waiting], "MB"),
        _result("lanes.rss_mb_100000_held", [in_memory], "MB"),
    ]


def _result(name: str, runs: list[float], unit: str) -> dict[str, Any]:
    return {"name": name, "value": statistics.median(runs), "unit": unit, "runs": runs}


def _throughput(bootstrap: str, destinations: int) -> float:
    bench = _Bench(bootstrap, RECORDS)
    with bench.worker(destinations, hangs=False, held_max=LaneLimits().held_max):
        bench.wait_for(RECORDS // 10)
        began, before = time.monotonic(), bench.committed()
        bench.wait_for(RECORDS * 9 // 10)
        return (bench.committed() - before) / (time.monotonic() - began)


def _memory(bootstrap: str, held_max: int) -> float:
    bench = _Bench(bootstrap, QUEUED)
    with bench.worker(1, hangs=True, held_max=held_max) as process:
        status = Path(f"/proc/{process.pid}/status")
        largest = 0.0
        for _ in range(40):
            time.sleep(0.25)
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
            largest = max(largest, int(line.split()[1]) / 1024)
        return largest


class _Bench:
    """One topic full of records, and a group that has not begun."""

    def __init__(self, bootstrap: str, records: int) -> None:
        self._bootstrap = bootstrap
        self._name = f"bench-lanes-{uuid.uuid4().hex[:8]}"
        self._output = f"{self._name}-out"
        self._places = [KafkaPartition(self._name, number, 0) for number in range(PARTITIONS)]
        self._member_of_nothing = Consumer({"bootstrap.servers": bootstrap, "group.id": self._name})
        admin = AdminClient({"bootstrap.servers": bootstrap})
        new = [NewTopic(name, PARTITIONS, 1) for name in (self._name, self._output)]
        for made in admin.create_topics(new).values():
            made.result(10)
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "compression.type": "lz4"})
        for number in range(records):
            producer.produce(self._name, VALUE, b"acme/leads/%d" % number, number % PARTITIONS)
            if number % 10_000 == 0:
                producer.poll(0.1)
        producer.flush(30)
        self._member_of_nothing.commit(offsets=self._places, asynchronous=False)

    def committed(self) -> int:
        """How many records are behind the committed offsets. An admin client may crash: see group_offsets."""
        partitions = self._member_of_nothing.committed(self._places, timeout=10)
        return sum(max(0, partition.offset) for partition in partitions)

    def wait_for(self, records: int) -> None:
        give_up_at = time.monotonic() + 120
        while self.committed() < records:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{self.committed()} of {records} records after two minutes")
            time.sleep(0.02)

    @contextmanager
    def worker(self, destinations: int, *, hangs: bool, held_max: int) -> Iterator[subprocess.Popen[bytes]]:
        arguments = json.dumps([self._name, self._name, destinations, hangs, held_max])
        environment = {
            **os.environ,
            "BENCH_OUTPUT": self._output,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": self._bootstrap,
            "SIGNALBOX_LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "bench.lanes", "worker", arguments]
        process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parent.parent)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def _kafka() -> Iterator[str]:
    given = os.environ.get("SIGNALBOX_TEST_KAFKA")
    if given:
        yield given
    else:
        with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder)) as kafka:
            yield kafka.bootstrap


if __name__ == "__main__" and sys.argv[1] == "worker":
    sys.exit(worker(*json.loads(sys.argv[2])))
