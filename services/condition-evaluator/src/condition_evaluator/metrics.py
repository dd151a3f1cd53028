"""What the evaluator counts."""

from signalbox_runtime import metrics

JUDGEMENTS = metrics.counter(
    "signalbox_evaluator_judgements_total",
    "Judgements by outcome: started, skipped (conditions) or refused (loop, rate).",
    ["outcome"],
)
