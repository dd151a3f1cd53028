"""What follows when the holder of a token has done something: facts for the journal, and where the token
goes.

```
arrived ─ canceled ──────────────► RunCanceled                                   ended
        ─ hold, no permit ───────► ActionStarted                                 the same topic, with a permit
        ─ hold, permit unknown ──► RunWaiting person                             parked
        ─ CRM action ────────────► RunWaiting crm                                the CRM, as reply context
        ─ attempt ─ succeeded ───► ActionSucceeded [RunSucceeded | RunFailed]    the next action, or ended
                  ─ retryable ───► ActionFailed [RunWaiting retry]               its lane, or a delay topic
                  ─ permanent ───► ActionFailed final [RunFailed]                ended, or the next action
                  ─ unknown ─────► as retryable; hold: RunWaiting person         parked
                  ─ postponed ───► RunWaiting retry                              a delay topic
answer  ─ applied ───────────────► as succeeded
        ─ rejected ──────────────► as permanent
        ─ late, repeated ────────► LateResult (no seq)                           nowhere: it moves nothing
```
Every fact has the seq of the one before plus one, and the token that goes on carries the last fact's. All
functions are pure: the same token, outcome and times give the same facts, so a repeat after a crash changes
no history.
"""

from functools import lru_cache
from typing import TypeAlias, assert_never

import msgspec

from action_runner.domain.outcome import (
    Failure,
    Outcome,
    Permanent,
    Postponed,
    Retryable,
    Succeeded,
    Unknown,
)
from action_runner.domain.retry import WAIT_IN_LANE_MAX_MS, wait_ms
from signalbox_contracts import codec, ids
from signalbox_contracts.messages import (
    ActionError,
    ActionFailed,
    ActionRequested,
    ActionStarted,
    ActionStep,
    ActionSucceeded,
    CompletedAction,
    RunCanceled,
    RunFact,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)

POSTPONE_MAX_MS = 86_400_000
"""A run older than a day is not postponed any more: its attempts count, so that it ends."""
NO_RECEIPT = b"null"


class Goes(msgspec.Struct, frozen=True):
    """The token goes to the topic of its current action."""

    token: ActionRequested


class Waits(msgspec.Struct, frozen=True):
    """The token is tried again at `at_ms`, without leaving its lane."""

    token: ActionRequested
    at_ms: int


class Delays(msgspec.Struct, frozen=True):
    """The token leaves the lane and comes back to its topic at `at_ms`."""

    token: ActionRequested
    at_ms: int


class Parks(msgspec.Struct, frozen=True):
    """The token rests in the RunWaiting fact until a person moves it."""


class Ends(msgspec.Struct, frozen=True):
    """The run is over."""


Next: TypeAlias = Goes | Waits | Delays | Parks | Ends


class Step(msgspec.Struct, frozen=True):
    """Facts in order, and where the token goes with them, in one transaction."""

    facts: tuple[RunFact, ...]
    then: Next


class Attempt(msgspec.Struct, frozen=True):
    """When one attempt began and ended, in ms."""

    started_at_ms: int
    finished_at_ms: int


def effect_key(token: ActionRequested) -> str:
    """The key of the current action's effect, the same at every attempt and every repeat of the event."""
    action = token.actions[0]
    return _effect_key(token.tenant_id, token.event_id, token.workflow_id, action.id, action.key_generation)


# A step asks for its key several times; there are more of them than of records held by a process.
_effect_key = lru_cache(maxsize=16_384)(ids.effect_key)


def after_attempt(token: ActionRequested, attempt: Attempt, outcome: Outcome, jitter: float) -> Step:
    """What follows an attempt of the token's current action. `jitter` is from 0 up to 1."""
    match outcome:
        case Succeeded():
            return _succeeded(token, attempt, outcome)
        case Retryable(failure, after_ms, receipt):
            return _failed_for_now(token, attempt, failure, after_ms, receipt, jitter)
        case Permanent(failure, receipt):
            return _failed(token, attempt, failure, receipt)
        case Unknown(failure, receipt):
            if token.actions[0].on_unknown == "hold":
                return hold(token, attempt.finished_at_ms, failure.detail)
            return _failed_for_now(token, attempt, failure, None, receipt, jitter)
        case Postponed(wait, reason):
            return _postponed(token, attempt, wait, reason, jitter)
        case _:
            assert_never(outcome)


def ask_permit(token: ActionRequested, at_ms: int, permit: str) -> Step:
    """A call with `on_unknown: hold`: that it begins is committed before it is made, with who may make it."""
    action = token.actions[0]
    started = ActionStarted(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=token.seq + 1,
        at_ms=at_ms,
        action_id=action.id,
        index=action.index,
        type=action.type,
        attempt=token.attempt,
        deadline_ms=at_ms + action.timeout_ms,
    )
    return Step((started,), Goes(msgspec.structs.replace(token, seq=started.seq, permit=permit)))


def hold(token: ActionRequested, at_ms: int, reason: str) -> Step:
    """The outcome of a call is unknown, and a person has to say how it goes on.

    The fact carries the token as it is to be sent on: with the next attempt's number and no permit.
    """
    resent = msgspec.structs.replace(token, seq=token.seq + 1, attempt=token.attempt + 1, permit=None)
    return Step((waiting(token, resent.seq, at_ms, "person", None, reason, codec.encode(resent)),), Parks())


def cancel(token: ActionRequested, at_ms: int, requested_by: str) -> Step:
    """A person canceled the run: what already happened stays."""
    canceled = RunCanceled(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=token.seq + 1,
        at_ms=at_ms,
        action_id=token.actions[0].id if token.actions else None,
        requested_by=requested_by,
    )
    return Step((canceled,), Ends())


def leave_lane(token: ActionRequested, now_ms: int, at_ms: int, reason: str) -> Step:
    """A wait that can't stay in the lane: it is stated, and goes through a delay topic."""
    moved = msgspec.structs.replace(token, seq=token.seq + 1, permit=None)
    return Step((waiting(token, moved.seq, now_ms, "retry", at_ms, reason, None),), Delays(moved, at_ms))


def dead_letter(token: ActionRequested, at_ms: int, place: str, failure: Failure) -> Step:
    """A token that reads but can't be executed: the run ends and names where its message lies."""
    action_id = token.actions[0].id if token.actions else None
    return Step((_run_failed(token, token.seq + 1, at_ms, action_id, failure, place),), Ends())


def waiting(
    token: ActionRequested,
    seq: int,
    at_ms: int,
    waiting_for: str,
    deadline_ms: int | None,
    reason: str | None,
    carried: bytes | None,
) -> RunWaiting:
    """The fact that the token's current action waits; `carried` is the encoded token to send on, if any."""
    action = token.actions[0]
    return RunWaiting(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=seq,
        at_ms=at_ms,
        action_id=action.id,
        index=action.index,
        type=action.type,
        attempt=token.attempt,
        waiting_for=waiting_for,  # type: ignore[arg-type]
        deadline_ms=deadline_ms,
        effect_key=effect_key(token),
        reason=reason,
        token=carried,
    )


def _succeeded(token: ActionRequested, attempt: Attempt, outcome: Succeeded) -> Step:
    action = token.actions[0]
    succeeded = ActionSucceeded(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=token.seq + 1,
        at_ms=attempt.finished_at_ms,
        action_id=action.id,
        index=action.index,
        type=action.type,
        attempt=token.attempt,
        started_at_ms=attempt.started_at_ms,
        finished_at_ms=attempt.finished_at_ms,
        effect_key=effect_key(token),
        receipt=outcome.receipt,
        record=outcome.record,
        warnings=outcome.warnings,
    )
    record = token.record if outcome.record is None else outcome.record
    completed = _completed(action, "success", outcome.receipt)
    return _go_on(token, succeeded, completed, record, token.first_error)


def _failed(token: ActionRequested, attempt: Attempt, failure: Failure, receipt: bytes | None) -> Step:
    action = token.actions[0]
    failed = _action_failed(token, attempt, failure, receipt, None, final=True)
    error = token.first_error or ActionError(action_id=action.id, type=failure.type, detail=failure.detail)
    if action.on_failure == "stop":
        ended = _run_failed_by(token, failed.seq + 1, attempt.finished_at_ms, error)
        return Step((failed, ended), Ends())
    return _go_on(token, failed, _completed(action, "failed", receipt or NO_RECEIPT), token.record, error)


def _failed_for_now(
    token: ActionRequested,
    attempt: Attempt,
    failure: Failure,
    asked_ms: int | None,
    receipt: bytes | None,
    jitter: float,
) -> Step:
    action = token.actions[0]
    if token.attempt >= action.retry.attempts:
        return _failed(token, attempt, failure, receipt)
    wait = wait_ms(action.retry, token.attempt, asked_ms, jitter)
    at_ms = attempt.finished_at_ms + wait
    failed = _action_failed(token, attempt, failure, receipt, at_ms, final=False)
    again = msgspec.structs.replace(token, seq=failed.seq, attempt=token.attempt + 1, permit=None)
    # A call with `hold` is announced before it is made, so it always comes back as a message.
    if wait <= WAIT_IN_LANE_MAX_MS and action.on_unknown != "hold":
        return Step((failed,), Waits(again, at_ms))
    left = leave_lane(again, attempt.finished_at_ms, at_ms, failure.detail)
    return Step((failed, *left.facts), left.then)


def _postponed(token: ActionRequested, attempt: Attempt, wait: int, reason: str, jitter: float) -> Step:
    now_ms = attempt.finished_at_ms
    if now_ms - token.run_started_at_ms > POSTPONE_MAX_MS:
        return _failed_for_now(token, attempt, Failure("destination-closed", reason), wait, None, jitter)
    return leave_lane(token, now_ms, now_ms + wait, reason)


def _go_on(
    token: ActionRequested,
    fact: ActionSucceeded | ActionFailed,
    completed: CompletedAction,
    record: bytes | None,
    error: ActionError | None,
) -> Step:
    remaining = token.actions[1:]
    if remaining:
        following = msgspec.structs.replace(
            token,
            seq=fact.seq,
            actions=remaining,
            attempt=1,
            completed=(*token.completed, completed),
            record=record,
            first_error=error,
            command=None,
            permit=None,
        )
        return Step((fact,), Goes(following))
    ended: RunFact
    if error is not None:
        ended = _run_failed_by(token, fact.seq + 1, fact.at_ms, error)
    else:
        ended = RunSucceeded(
            tenant_id=token.tenant_id, run_id=token.run_id, seq=fact.seq + 1, at_ms=fact.at_ms
        )
    return Step((fact, ended), Ends())


def _completed(action: ActionStep, status: str, receipt: bytes) -> CompletedAction:
    return CompletedAction(
        id=action.id,
        type=action.type,
        status=status,  # type: ignore[arg-type]
        parameters_hash=action.parameters_hash,
        receipt=receipt,
    )


def _action_failed(
    token: ActionRequested,
    attempt: Attempt,
    failure: Failure,
    receipt: bytes | None,
    retry_at_ms: int | None,
    *,
    final: bool,
) -> ActionFailed:
    action = token.actions[0]
    return ActionFailed(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=token.seq + 1,
        at_ms=attempt.finished_at_ms,
        action_id=action.id,
        index=action.index,
        type=action.type,
        attempt=token.attempt,
        started_at_ms=attempt.started_at_ms,
        finished_at_ms=attempt.finished_at_ms,
        effect_key=effect_key(token),
        error_type=failure.type,
        error_detail=failure.detail,
        receipt=receipt,
        retry_at_ms=retry_at_ms,
        final=final,
    )


def _run_failed_by(token: ActionRequested, seq: int, at_ms: int, error: ActionError) -> RunFailed:
    return _run_failed(token, seq, at_ms, error.action_id, Failure(error.type, error.detail), None)


def _run_failed(
    token: ActionRequested, seq: int, at_ms: int, action_id: str | None, failure: Failure, place: str | None
) -> RunFailed:
    return RunFailed(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=seq,
        at_ms=at_ms,
        action_id=action_id,
        error_type=failure.type,
        error_detail=failure.detail,
        dead_letter=place,
    )
