"""Metrics of the lanes loop, beside those that both loops share."""

from signalbox_runtime import metrics

IN_FLIGHT = metrics.gauge("signalbox_lanes_in_flight", "Executions that run now.")
WAITING = metrics.gauge("signalbox_lanes_waiting", "Records in memory whose execution has not started.")
OVERFLOWED = metrics.counter(
    "signalbox_lanes_overflowed_total", "Records sent to a delay because their destination is too slow."
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
