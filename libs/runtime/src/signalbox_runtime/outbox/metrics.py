"""What relays count."""

from signalbox_runtime import metrics

ROWS = metrics.counter("signalbox_outbox_rows_total", "Outbox rows sent to Kafka", ("relay",))
DELAY_SECONDS = metrics.histogram(
    "signalbox_outbox_delay_seconds",
    "From the transaction that inserted a row to its commit on Kafka",
    ("relay",),
)
SENDING = metrics.gauge("signalbox_outbox_sending", "1 in the one process whose relay sends", ("relay",))
