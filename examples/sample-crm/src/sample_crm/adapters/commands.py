"""Applies commands: each once, in one transaction with its change, its event and its answer."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import insert, select, update

from sample_crm.adapters.tables import BEHAVIOUR, COMMAND_RESULTS, HELD_ANSWERS
from sample_crm.adapters.unit import Crm, RecordKey, Unit
from sample_crm.domain.behaviour import Behaviour
from sample_crm.domain.commands import Applied, Rejected, decide
from sample_crm.domain.events import caused_by, milliseconds
from sample_crm.domain.records import Record
from signalbox_contracts import codec, topics
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCommand, CrmCommandResult
from signalbox_runtime import fault
from signalbox_runtime.records import Outbound


async def apply_commands(crm: Crm, commands: Sequence[CrmCommand]) -> None:
    """Applies a batch in its order and answers every command in it.

    A command that was decided before gets the answer recorded then, whatever it asks for now.
    """
    fault.at("crm.before_apply")
    async with crm.unit() as unit:
        behaviour, answered = await _behaviour(unit)
        # Locked before the results are read: another process may just have decided the same command.
        records = await unit.locked([(command.module, command.record_id) for command in commands])
        answers = await _recorded(unit, [command.command_id for command in commands])
        decided: dict[str, CrmCommandResult] = {}
        for number, command in enumerate(commands, start=answered + 1):
            answer = answers.get(command.command_id)
            if answer is None:
                answer = _decide(unit, command, records, behaviour)
                answers[command.command_id] = decided[command.command_id] = answer
            await _send(unit, command, answer, behaviour, number)
        await _remember(unit, decided, answered + len(commands))
        fault.at("crm.before_answer")
    fault.at("crm.after_apply")


def _decide(
    unit: Unit, command: CrmCommand, records: dict[RecordKey, Record], behaviour: Behaviour
) -> CrmCommandResult:
    key = (command.module, command.record_id)
    match behaviour.refusal(command) or decide(command, records.get(key), unit.setting):
        case Applied() as applied:
            unit.save(applied.changes, caused_by(command))
            unit.notify(applied.notifications, command)
            records[key] = applied.record
            return _answer(unit, command, applied.record, applied.receipt, None)
        case Rejected() as rejected:
            return _answer(unit, command, rejected.record, {"code": rejected.code}, rejected.reason)


def _answer(
    unit: Unit, command: CrmCommand, record: Record | None, receipt: object, reason: str | None
) -> CrmCommandResult:
    return CrmCommandResult(
        command_id=command.command_id,
        tenant_id=command.tenant_id,
        module=command.module,
        record_id=command.record_id,
        outcome="applied" if reason is None else "rejected",
        reason=reason,
        receipt=msgspec.json.encode(receipt),
        record=None if record is None else msgspec.json.encode(record),
        record_version=None if record is None else record["version"],
        answered_at_ms=milliseconds(unit.setting.now),
        reply_context=b"",
    )


async def _send(
    unit: Unit, command: CrmCommand, answer: CrmCommandResult, behaviour: Behaviour, number: int
) -> None:
    # The context is that of this delivery: a command that was sent again carries a newer one.
    value = codec.encode(msgspec.structs.replace(answer, reply_context=command.reply_context))
    key = lane(command.tenant_id, command.module, command.record_id)
    delay = behaviour.delay(number)
    for _ in range(behaviour.answers):
        if delay > timedelta():
            held = {"due_at": unit.setting.now + delay, "key": key, "value": value}
            await unit.connection.execute(insert(HELD_ANSWERS), held)
        else:
            unit.send(Outbound(topics.CRM_COMMAND_RESULTS, key, value))


async def _behaviour(unit: Unit) -> tuple[Behaviour, int]:
    query = select(BEHAVIOUR.c.content, BEHAVIOUR.c.answered).with_for_update()
    row = (await unit.connection.execute(query)).one()
    return Behaviour.model_validate(row.content), row.answered


async def _recorded(unit: Unit, command_ids: Sequence[str]) -> dict[str, CrmCommandResult]:
    query = select(COMMAND_RESULTS.c.command_id, COMMAND_RESULTS.c.answer).where(
        COMMAND_RESULTS.c.command_id.in_(command_ids)
    )
    rows = await unit.connection.execute(query)
    return {row.command_id: codec.decode(bytes(row.answer), CrmCommandResult) for row in rows}


async def _remember(unit: Unit, decided: dict[str, CrmCommandResult], answered: int) -> None:
    if decided:
        rows = [
            {"command_id": command_id, "answer": codec.encode(answer), "answered_at": unit.setting.now}
            for command_id, answer in decided.items()
        ]
        await unit.connection.execute(insert(COMMAND_RESULTS), rows)
    await unit.connection.execute(update(BEHAVIOUR).values(answered=answered))
