"""What the delay-relay counts."""

from signalbox_runtime import metrics

LATENESS = metrics.histogram(
    "signalbox_delay_lateness_seconds",
    "How long after its due time a message was delivered; 0 for one delivered in time.",
    buckets=(0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0),
)
FORWARDED = metrics.counter(
    "signalbox_delay_forwarded_total", "Messages whose wait goes on in another bucket."
)
