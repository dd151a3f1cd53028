"""What one fact says of one try of an action."""

from functools import partial
from typing import Literal

from run_ledger.domain.rows import AttemptRow, RunKey
from signalbox_contracts.messages import ActionFact, ActionFailed, ActionStarted, ActionSucceeded, RunWaiting


def attempt_row(key: RunKey, fact: ActionFact) -> AttemptRow | None:
    """The row of the attempt that `fact` is about; None where it says nothing of one (a wait between two)."""
    row = partial(AttemptRow, key, fact.index, fact.attempt, fact.seq, fact.action_id, fact.type)
    match fact:
        case ActionStarted():
            return row("started", fact.at_ms, deadline_ms=fact.deadline_ms)
        case ActionSucceeded():
            return row(
                "success",
                fact.started_at_ms,
                fact.finished_at_ms,
                final=True,
                effect_key=fact.effect_key,
                receipt=fact.receipt,
                warnings=fact.warnings,
            )
        case ActionFailed():
            return row(
                "failed",
                fact.started_at_ms,
                fact.finished_at_ms,
                retry_at_ms=fact.retry_at_ms,
                final=fact.final,
                error_type=fact.error_type,
                error_detail=fact.error_detail,
                effect_key=fact.effect_key,
                receipt=fact.receipt,
            )
        case RunWaiting(waiting_for="crm" | "person"):
            outcome: Literal["commanded", "unknown"] = "commanded" if fact.waiting_for == "crm" else "unknown"
            return row(outcome, fact.at_ms, deadline_ms=fact.deadline_ms, effect_key=fact.effect_key)
        case _:
            return None
