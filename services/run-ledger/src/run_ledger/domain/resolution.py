"""How a run whose action is `unknown` moves on, by a person or past a deadline.

    done     ActionSucceeded, then the next action's topic, or RunSucceeded or RunFailed
    fail     ActionFailed final, then as its `on_failure` says: RunFailed, or the next action's topic
    resend   the token to its action's topic; its holder writes the facts
    cancel   RunCanceled; this one needs no token

The ledger acts as the holder of the token that rests in the RunWaiting fact: facts go on from that fact's
number. Who may do so is settled in the database (one settlement per RunWaiting), so a run never has two
tokens.
"""

from typing import Literal, TypeAlias

import msgspec

from run_ledger.domain.records import RunRecord
from signalbox_contracts import ids, topics
from signalbox_contracts.messages import (
    ActionError,
    ActionFailed,
    ActionRequested,
    ActionStep,
    ActionSucceeded,
    CompletedAction,
    Message,
    RunCanceled,
    RunFailed,
    RunSucceeded,
)

Resolution: TypeAlias = Literal["done", "resend", "fail"]
SETTLED = "settled-as-failed"


class Moved(msgspec.Struct, frozen=True):
    """One message to send, and the topic it goes to, all under the run's lane and in one transaction."""

    topic: str
    message: Message


class Settlement(msgspec.Struct, frozen=True):
    """Who settles what, when; `attempt` is the one whose outcome is unknown, begun at `started_at_ms`."""

    resolution: Resolution
    by: str
    at_ms: int
    attempt: int
    started_at_ms: int


def moves(token: ActionRequested, settlement: Settlement) -> list[Moved]:
    """What is sent. `token` is the one of the RunWaiting fact; its `seq` is that fact's."""
    match settlement.resolution:
        case "resend":
            return [_to_action(token)]
        case "done":
            return _done(token, settlement)
        case "fail":
            return _failed(token, settlement)


def canceled(run: RunRecord, by: str, at_ms: int) -> Moved:
    """What ends a run that rests with us."""
    fact = RunCanceled(
        tenant_id=run.tenant_id,
        run_id=run.run_id,
        seq=run.seq + 1,
        at_ms=at_ms,
        action_id=run.action_id,
        requested_by=by,
    )
    return Moved(topics.RUNS_JOURNAL, fact)


def _done(token: ActionRequested, settlement: Settlement) -> list[Moved]:
    action = token.actions[0]
    receipt = msgspec.json.encode({"settled_by": settlement.by})
    fact = ActionSucceeded(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=token.seq + 1,
        at_ms=settlement.at_ms,
        action_id=action.id,
        index=action.index,
        type=action.type,
        attempt=settlement.attempt,
        started_at_ms=settlement.started_at_ms,
        finished_at_ms=settlement.at_ms,
        effect_key=_effect_key(token, action),
        receipt=receipt,
    )
    return [
        Moved(topics.RUNS_JOURNAL, fact),
        _after(token, fact, _completed(action, "success", receipt), token.first_error),
    ]


def _failed(token: ActionRequested, settlement: Settlement) -> list[Moved]:
    action = token.actions[0]
    detail = f"Its outcome was unknown; {settlement.by} settled it as failed."
    fact = ActionFailed(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=token.seq + 1,
        at_ms=settlement.at_ms,
        action_id=action.id,
        index=action.index,
        type=action.type,
        attempt=settlement.attempt,
        started_at_ms=settlement.started_at_ms,
        finished_at_ms=settlement.at_ms,
        effect_key=_effect_key(token, action),
        error_type=SETTLED,
        error_detail=detail,
        final=True,
    )
    error = token.first_error or ActionError(action_id=action.id, type=SETTLED, detail=detail)
    following = (
        _run_failed(token, fact.seq + 1, fact.at_ms, error)
        if action.on_failure == "stop"
        else _after(token, fact, _completed(action, "failed", b"null"), error)
    )
    return [Moved(topics.RUNS_JOURNAL, fact), following]


def _after(
    token: ActionRequested,
    fact: ActionSucceeded | ActionFailed,
    completed: CompletedAction,
    error: ActionError | None,
) -> Moved:
    remaining = token.actions[1:]
    if remaining:
        return _to_action(
            msgspec.structs.replace(
                token,
                seq=fact.seq,
                actions=remaining,
                attempt=1,
                completed=(*token.completed, completed),
                first_error=error,
            )
        )
    if error is not None:
        return _run_failed(token, fact.seq + 1, fact.at_ms, error)
    return Moved(
        topics.RUNS_JOURNAL,
        RunSucceeded(tenant_id=token.tenant_id, run_id=token.run_id, seq=fact.seq + 1, at_ms=fact.at_ms),
    )


def _run_failed(token: ActionRequested, seq: int, at_ms: int, error: ActionError) -> Moved:
    fact = RunFailed(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        seq=seq,
        at_ms=at_ms,
        action_id=error.action_id,
        error_type=error.type,
        error_detail=error.detail,
    )
    return Moved(topics.RUNS_JOURNAL, fact)


def _to_action(token: ActionRequested) -> Moved:
    sent = msgspec.structs.replace(token, command=None, permit=None)
    return Moved(topics.action_topic(token.actions[0].type), sent)


def _completed(action: ActionStep, status: Literal["success", "failed"], receipt: bytes) -> CompletedAction:
    return CompletedAction(
        id=action.id,
        type=action.type,
        status=status,
        parameters_hash=action.parameters_hash,
        receipt=receipt,
    )


def _effect_key(token: ActionRequested, action: ActionStep) -> str:
    return ids.effect_key(
        token.tenant_id, token.event_id, token.workflow_id, action.id, action.key_generation
    )
