"""What one fact says of one try of an action."""

from typing import Literal

from run_ledger.domain.rows import AttemptRow, RunKey
from signalbox_contracts.messages import ActionFact, ActionFailed, ActionStarted, ActionSucceeded, RunWaiting


def attempt_row(key: RunKey, fact: ActionFact) -> AttemptRow | None:
    """The row of the attempt that `fact` is about; None where it says nothing of one (a wait between two)."""
    match fact:
        case ActionStarted():
            return AttemptRow(
                key,
                fact.index,
                fact.attempt,
                fact.seq,
                fact.action_id,
                fact.type,
                "started",
                fact.at_ms,
                deadline_ms=fact.deadline_ms,
            )
        case ActionSucceeded():
            return _succeeded(key, fact)
        case ActionFailed():
            return _failed(key, fact)
        case RunWaiting(waiting_for="crm"):
            return _waiting(key, fact, "commanded")
        case RunWaiting(waiting_for="person"):
            return _waiting(key, fact, "unknown")
        case _:
            return None


def _succeeded(key: RunKey, fact: ActionSucceeded) -> AttemptRow:
    return AttemptRow(
        key,
        fact.index,
        fact.attempt,
        fact.seq,
        fact.action_id,
        fact.type,
        "success",
        fact.started_at_ms,
        fact.finished_at_ms,
        final=True,
        effect_key=fact.effect_key,
        receipt=fact.receipt,
        warnings=fact.warnings,
    )


def _failed(key: RunKey, fact: ActionFailed) -> AttemptRow:
    return AttemptRow(
        key,
        fact.index,
        fact.attempt,
        fact.seq,
        fact.action_id,
        fact.type,
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


def _waiting(key: RunKey, fact: RunWaiting, outcome: Literal["commanded", "unknown"]) -> AttemptRow:
    return AttemptRow(
        key,
        fact.index,
        fact.attempt,
        fact.seq,
        fact.action_id,
        fact.type,
        outcome,
        fact.at_ms,
        deadline_ms=fact.deadline_ms,
        effect_key=fact.effect_key,
    )
