"""Metrics of the lanes loop, beside those that both loops share."""

from collections import Counter
from collections.abc import Iterable, Sequence

from signalbox_runtime import metrics
from signalbox_runtime.kafka.broker import CommittedOffset
from signalbox_runtime.loops.lanes.handover import Result

IN_FLIGHT = metrics.gauge("signalbox_lanes_in_flight", "Executions that run now.")
WAITING = metrics.gauge("signalbox_lanes_waiting", "Records in memory whose execution has not started.")
OVERFLOWED = metrics.counter(
    "signalbox_lanes_overflowed_total", "Records sent to a delay because their destination does not answer."
)
RESTING_PARTITIONS = metrics.gauge(
    "signalbox_lanes_resting_partitions", "Partitions paused because enough is held in memory."
)
SKIPPED = metrics.counter(
    "signalbox_lanes_skipped_total",
    "Records delivered again and skipped, because the committed metadata says that they are finished.",
)
DROPPED = metrics.counter(
    "signalbox_lanes_results_dropped_total", "Results dropped because their partition went elsewhere."
)
METADATA_BYTES = metrics.histogram(
    "signalbox_lanes_metadata_bytes",
    "Size of the metadata committed beside an offset.",
    buckets=(0, 8, 32, 128, 512, 1024, 2048, 4096),
)


def report_transaction(
    batch: Sequence[Result], committed: Iterable[CommittedOffset], seconds: float, now_ms: int
) -> None:
    """Counts a transaction that was committed. The age is that of the oldest record of each topic."""
    metrics.TRANSACTION_SECONDS.observe(seconds)
    metrics.TRANSACTION_RECORDS.observe(len(batch))
    for at in committed:
        METADATA_BYTES.observe(len(at.metadata))
    consumed = Counter(result.partition.topic for result in batch)
    produced = Counter(record.topic for result in batch for record in result.outbox.records)
    oldest_ms: dict[str, int] = {}
    for result in batch:
        if result.timestamp_ms < oldest_ms.get(result.partition.topic, now_ms):
            oldest_ms[result.partition.topic] = result.timestamp_ms
    for topic, count in consumed.items():
        metrics.RECORDS_CONSUMED.labels(topic).inc(count)
        metrics.CONSUMED_AGE_SECONDS.labels(topic).observe((now_ms - oldest_ms.get(topic, now_ms)) / 1000)
    for topic, count in produced.items():
        metrics.RECORDS_PRODUCED.labels(topic).inc(count)
