"""Changes wanted of the CRM: the command that carries the token away, and what its answer means.

An answer moves the run unless it is late: the same question was answered at a lower offset, or the answer was
appended after the deadline that the token carries. Late answers are recorded and move nothing.
"""

import zlib
from typing import Any, Literal, TypeAlias

import msgspec

from action_runner.domain.advance import Attempt, Parks, Step, after_attempt, effect_key, waiting
from action_runner.domain.outcome import Failure, Outcome, Permanent, Succeeded
from action_runner.errors import UnusableAnswer
from signalbox_contracts import codec, topics
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import (
    ActionRequested,
    CrmCommand,
    CrmCommandResult,
    LateResult,
    PendingCommand,
)

PACK_OVER_BYTES = topics.REPLY_CONTEXT_MAX_BYTES
CARRIED_MAX_BYTES = 4_000_000
"""The token as the waiting run's fact carries it: what the journal takes, with room for the rest."""
RECORD_MAX_BYTES = topics.ENVELOPE_MAX_BYTES
RECEIPT_MAX_BYTES = 16_384
"""The CRM decides how much it tells, but each action's receipt travels with the run to its end."""
CONTEXT_MAX_BYTES = 8_388_608
"""Largest reply context after unpacking: twice what an internal topic takes, so a bomb stops here."""
_PACKED = b"Z1"


class Issued(msgspec.Struct, frozen=True):
    """The facts and the command that leave in one transaction."""

    step: Step
    command: CrmCommand


class Late(msgspec.Struct, frozen=True):
    """An answer that moves nothing."""

    fact: LateResult


class Moves(msgspec.Struct, frozen=True):
    """An answer in time: what follows for its run."""

    step: Step


Answered: TypeAlias = Moves | Late


def issue(token: ActionRequested, parameters: bytes, at_ms: int) -> Issued | Permanent:
    """The command for the token's current action, with rendered `parameters` (a JSON object).

    Permanent when the token is too large to travel with it.
    """
    action = token.actions[0]
    key = effect_key(token)
    deadline_ms = at_ms + action.timeout_ms
    pending = PendingCommand(command_id=key, issued_at_ms=at_ms, deadline_ms=deadline_ms)
    # The token as it is sent on if no answer ever comes: the next attempt, with the same key. An answer is of
    # the attempt before it, so one encoding serves both.
    carried = codec.encode(
        msgspec.structs.replace(
            token, seq=token.seq + 1, attempt=token.attempt + 1, command=pending, permit=None
        )
    )
    context = pack(carried)
    if len(context) > topics.REPLY_CONTEXT_MAX_BYTES or len(carried) > CARRIED_MAX_BYTES:
        return Permanent(
            Failure(
                "record-too-large",
                f"The run's event and results have {len(carried):,} bytes, {len(context):,} packed; a CRM "
                f"command carries at most {CARRIED_MAX_BYTES:,}, {topics.REPLY_CONTEXT_MAX_BYTES:,} packed.",
            )
        )
    command = CrmCommand(
        command_id=key,
        tenant_id=token.tenant_id,
        module=token.module,
        record_id=token.record_id,
        type=action.type,
        parameters=parameters,
        workflow_id=token.workflow_id,
        run_id=token.run_id,
        event_id=token.event_id,
        chain=token.chain,
        depth=token.depth,
        issued_at_ms=at_ms,
        deadline_ms=deadline_ms,
        reply_context=context,
    )
    fact = waiting(token, token.seq + 1, at_ms, "crm", deadline_ms, None, carried)
    return Issued(Step((fact,), Parks()), command)


def carried_token(result: CrmCommandResult) -> ActionRequested:
    """The token that an answer brings back, at the attempt that it answers. Raises UnusableAnswer."""
    try:
        token = codec.decode(unpack(result.reply_context), ActionRequested)
    except UndecodableMessage as error:
        raise UnusableAnswer(f"reply_context is not what was sent with the command: {error}") from error
    if token.command is None or not token.actions:
        raise UnusableAnswer("reply_context carries a run that waits for no answer.")
    if (result.tenant_id, result.command_id) != (token.tenant_id, token.command.command_id):
        raise UnusableAnswer(
            f"The answer names tenant {result.tenant_id!r} and command {result.command_id!r}; "
            f"its reply_context is of {token.tenant_id!r} and {token.command.command_id!r}."
        )
    _check_objects(result)
    return msgspec.structs.replace(token, attempt=token.attempt - 1)


def answer(
    token: ActionRequested,
    result: CrmCommandResult,
    appended_at_ms: int,
    now_ms: int,
    *,
    repeated: bool,
) -> Answered:
    """What an answer means for the token it carries. `appended_at_ms` is the broker's time of the answer."""
    pending = token.command
    assert pending is not None
    if repeated:
        return Late(_late(token, pending, result, now_ms, "repeated"))
    if appended_at_ms > pending.deadline_ms:
        return Late(_late(token, pending, result, now_ms, "late"))
    # The CRM's own clock is not believed: the attempt ended when the broker took the answer.
    attempt = Attempt(pending.issued_at_ms, max(appended_at_ms, pending.issued_at_ms))
    return Moves(after_attempt(token, attempt, _outcome(result), 0.0))


def pack(context: bytes) -> bytes:
    """A reply context within its size limit if packing can do it."""
    return context if len(context) <= PACK_OVER_BYTES else _PACKED + zlib.compress(context)


def unpack(context: bytes) -> bytes:
    """What `pack` was given. Raises UnusableAnswer when it was not packed by us, or is a bomb."""
    if not context.startswith(_PACKED):
        return context
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(context[len(_PACKED) :], CONTEXT_MAX_BYTES)
    except zlib.error as error:
        raise UnusableAnswer(f"reply_context was changed on its way: {error}") from error
    if not unpacker.eof:
        raise UnusableAnswer(
            f"reply_context is cut short, or unpacks to more than {CONTEXT_MAX_BYTES:,} bytes."
        )
    return data


def _outcome(result: CrmCommandResult) -> Outcome:
    match result.outcome:
        case "applied":
            return _applied(result)
        case "rejected":
            reason = result.reason or "The CRM rejected the change and gave no reason."
            receipt = result.receipt if len(result.receipt) <= RECEIPT_MAX_BYTES else None
            return Permanent(Failure("crm-rejected", reason), receipt or None)


def _applied(result: CrmCommandResult) -> Succeeded:
    """The change took effect, whatever of its story is too long to be carried on."""
    receipt, record, warnings = result.receipt or b"{}", result.record, []
    if len(receipt) > RECEIPT_MAX_BYTES:
        warnings.append(
            f"The CRM's receipt has {len(receipt):,} bytes; up to {RECEIPT_MAX_BYTES:,} are kept."
        )
        receipt = b"{}"
    if record is not None and len(record) > RECORD_MAX_BYTES:
        warnings.append(
            f"The record after the change has {len(record):,} bytes; up to {RECORD_MAX_BYTES:,} are kept. "
            "Later actions see it as it was before."
        )
        record = None
    return Succeeded(receipt, record, tuple(warnings))


def _check_objects(result: CrmCommandResult) -> None:
    """Raises UnusableAnswer unless receipt and record are JSON objects: they become part of the history."""
    for name, content in (("receipt", result.receipt), ("record", result.record)):
        if content:
            try:
                _object_decoder.decode(content)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                raise UnusableAnswer(f"{name} is not a JSON object: {error}.") from error


def _late(
    token: ActionRequested,
    pending: PendingCommand,
    result: CrmCommandResult,
    now_ms: int,
    why: Literal["late", "repeated"],
) -> LateResult:
    return LateResult(
        tenant_id=token.tenant_id,
        run_id=token.run_id,
        at_ms=now_ms,
        command_id=pending.command_id,
        action_id=token.actions[0].id,
        outcome=result.outcome,
        reason=result.reason,
        why=why,
    )


_object_decoder = msgspec.json.Decoder(dict[str, Any])
