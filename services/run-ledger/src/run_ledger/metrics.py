"""What the ledger counts."""

from signalbox_runtime import metrics

FACTS = metrics.counter("signalbox_ledger_facts_total", "Facts of the journal kept.")
REPEATS = metrics.counter("signalbox_ledger_repeats_total", "Facts met again that had counted before.")
DEFECTS = metrics.counter(
    "signalbox_ledger_defects_total", "Facts that contradict their run: one number twice, or after its end."
)
