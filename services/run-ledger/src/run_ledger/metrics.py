"""What the ledger counts."""

from signalbox_runtime import metrics

FACTS = metrics.counter("signalbox_ledger_facts_total", "Facts of the journal kept.")
REPEATS = metrics.counter("signalbox_ledger_repeats_total", "Facts met again that had counted before.")
STUCK_RUNS = metrics.gauge("signalbox_ledger_stuck_runs", "Runs past their time, by cause.", ["cause"])
DEFECTS = metrics.counter(
    "signalbox_ledger_defects_total", "Facts that contradict their run: one number twice, or after its end."
)
