"""What workflow-api counts beside what the runtime counts of requests and the outbox."""

from signalbox_runtime import metrics

BACKTESTS = metrics.counter("signalbox_backtests_total", "Backtests that came to an end", ("outcome",))
