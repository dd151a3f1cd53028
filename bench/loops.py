"""The transform loop on real Kafka: by itself (copying, skipping, its latency at a trickle, what views cost),
and in the two services that live in it.

Source and target have four partitions, values 700 bytes. One process holds loop, load and clock.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import routing
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.refill import refill
from signalbox_runtime.loops.transform import BATCH_MAX_RECORDS, Transform
from signalbox_runtime.loops.views import TopicViews
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.running_loop import RunningLoop

PARTITIONS = 4
RUNS = 3
RECORDS = 60_000
VALUE = b"x" * 700
TRICKLE_RECORDS = 200
TRICKLE_SECONDS = 0.04
"""25 records a second."""
CATCH_UPS = 300
MILLISECONDS = 1_000


class Counting(Transform):
    """Copies each record to `target`, or drops it; counts."""

    def __init__(self, target: str | None, prepare: Callable[[], object] = lambda: None) -> None:
        self._target = target
        self._prepare = prepare
        self.count = 0

    def prepare(self, batch: Sequence[Inbound]) -> None:
        self._prepare()

    def handle(self, inbound: Inbound) -> Outbox:
        self.count += 1
        if self._target is None:
            return Outbox()
        return Outbox([Outbound(self._target, inbound.key, inbound.value)])


def run() -> list[dict[str, Any]]:
    """Every figure, the median of its runs."""
    with _stage() as stage:
        _throughput(stage, copies=True)  # a young broker is slow
        copied = [_throughput(stage, copies=True) for _ in range(RUNS)]
        skipped = [_throughput(stage, copies=False) for _ in range(RUNS)]
        latencies = [_latencies(stage) for _ in range(RUNS)]
        catch_ups = _catch_ups(stage)
        refills = [_refill_seconds(stage) for _ in range(RUNS)]
    return [
        *routing.run(),
        _result("transform.records_per_second", copied, "1/s"),
        _result("transform.skipped_records_per_second", skipped, "1/s"),
        _result("transform.latency_p50_ms", [_at(one, 0.50) for one in latencies], "ms"),
        _result("transform.latency_p99_ms", [_at(one, 0.99) for one in latencies], "ms"),
        _result("views.catch_up_p50_ms", [_at(catch_ups, 0.50)], "ms"),
        _result("views.catch_up_p99_ms", [_at(catch_ups, 0.99)], "ms"),
        _result("memory_of_ids.refill_ms", refills, "ms"),
        _result("memory_of_ids.notes_per_second", [_notes_per_second() for _ in range(RUNS)], "1/s"),
    ]


def _throughput(stage: KafkaStage, *, copies: bool) -> float:
    source, target = stage.new_topic(PARTITIONS), stage.new_topic(PARTITIONS)
    _fill(stage, source, RECORDS)
    counting = Counting(target if copies else None)
    with _running(stage, source, counting):
        _wait_for(lambda: counting.count >= RECORDS // 10)
        began, before = time.monotonic(), counting.count
        _wait_for(lambda: counting.count >= RECORDS * 9 // 10)
        return (counting.count - before) / (time.monotonic() - began)


def _latencies(stage: KafkaStage) -> list[float]:
    """From before a record is sent to when a reader has what it led to, in ms."""
    source, target = stage.new_topic(PARTITIONS), stage.new_topic(PARTITIONS)
    sent_at: dict[bytes, float] = {}
    latencies: list[float] = []
    reading = threading.Event()

    def read() -> None:
        reader = stage.kafka.reader(dict.fromkeys(stage.kafka.offsets().partitions([target]), 0))
        reading.set()
        while len(latencies) < TRICKLE_RECORDS:
            for inbound in reader.read(100, 1.0):
                assert inbound.key is not None
                latencies.append((time.monotonic() - sent_at[inbound.key]) * MILLISECONDS)
        reader.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    with _running(stage, source, Counting(target)) as running:
        running.wait_ready()
        assert reading.wait(30)
        for number in range(TRICKLE_RECORDS):
            key = str(number).encode()
            sent_at[key] = time.monotonic()
            stage.send(source, number % PARTITIONS, [key])
            time.sleep(TRICKLE_SECONDS)
        thread.join(60)
    return latencies[10:]


def _catch_ups(stage: KafkaStage) -> list[float]:
    """What a batch waits when nothing changed, in ms."""
    topic = stage.new_topic(1)
    stage.send(topic, 0, [b"definition"])
    views = TopicViews(stage.kafka, {topic: lambda _inbound: None})
    views.load(threading.Event())
    took: list[float] = []
    for _ in range(CATCH_UPS):
        began = time.monotonic()
        views.catch_up()
        took.append((time.monotonic() - began) * MILLISECONDS)
    views.close()
    return took


def _refill_seconds(stage: KafkaStage) -> float:
    """Taking over four partitions with 10,000 remembered ids each, in ms."""
    source = stage.new_topic(PARTITIONS)
    _fill(stage, source, PARTITIONS * 10_000)
    begins = {TopicPartition(source, number): 10_000 for number in range(PARTITIONS)}
    began = time.monotonic()
    noted = refill(stage.kafka, IdMemory(), begins, lambda inbound: inbound.key)
    assert noted == PARTITIONS * 10_000
    return (time.monotonic() - began) * MILLISECONDS


def _notes_per_second() -> float:
    memory, here = IdMemory(), TopicPartition("crm.leads", 0)
    identities = [f"acme/event-{number}".encode() for number in range(100_000)]
    began = time.monotonic()
    for offset, identity in enumerate(identities):
        memory.seen_before(here, identity, offset)
    return len(identities) / (time.monotonic() - began)


def _running(stage: KafkaStage, source: str, transform: Transform) -> RunningLoop:
    group = stage.new_group([source])
    return RunningLoop(stage.kafka, group, [source], transform, batch_max_records=BATCH_MAX_RECORDS)


def _fill(stage: KafkaStage, topic: str, records: int) -> None:
    for partition in range(PARTITIONS):
        stage.fill(topic, partition, VALUE, records // PARTITIONS)


def _wait_for(holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 120
    while not holds():
        if time.monotonic() > give_up_at:
            raise TimeoutError("not within two minutes")
        time.sleep(0.005)


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _result(name: str, runs: list[float], unit: str) -> dict[str, Any]:
    return {"name": name, "value": statistics.median(runs), "unit": unit, "runs": runs}


@contextmanager
def _stage() -> Iterator[KafkaStage]:
    given = os.environ.get("SIGNALBOX_TEST_KAFKA")
    if given:
        yield KafkaStage(given)
        return
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder)) as kafka:
        yield KafkaStage(kafka.bootstrap)


if __name__ == "__main__":
    for result in run():
        print(f"{result['name']:44} {result['value']:>14,.2f} {result['unit']}")
