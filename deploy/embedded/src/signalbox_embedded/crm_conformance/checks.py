"""The checks, one promise of the contract each. They go in order, on one record."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCommand, CrmCommandResult, CrmEvent
from signalbox_embedded.crm_conformance.bus import Bus

WORKFLOW: Final = "wf-conformance"
BEFORE: Final = "wf-before"
"""A workflow that the commands pretend to follow, so that the chain has something in it."""
CONTEXT: Final = bytes(range(256)) * 400
"""100 KiB of every byte there is: what is taken for text or cut short does not come back so."""
SETTLE_SECONDS: Final = 1.5
"""How long a second effect or answer is waited for, after the first came."""
IN_ORDER: Final = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was promised, whether it held, and what was seen."""

    what: str
    in_order: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The CRM under examination and what is known of it."""

    bus: Bus
    tenant_id: str
    module: str
    record_id: str
    field: str
    """A text field that may be changed."""
    users: Sequence[str]
    stages: Sequence[str]
    patience_seconds: float
    examination: str
    """Part of every command id, so that each examination is a new one."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of some commands."""

    commands: Sequence[CrmCommand]
    answers: Sequence[tuple[bytes | None, CrmCommandResult]]
    events: Sequence[CrmEvent]
    unreadable: Sequence[str]

    def answers_to(self, command_id: str) -> list[CrmCommandResult]:
        return [answer for _, answer in self.answers if answer.command_id == command_id]


class Examiner:
    """Sends commands and waits for what comes of them."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._numbers = itertools.count(1)

    def command(self, kind: str, parameters: Mapping[str, Any], **changes: Any) -> CrmCommand:
        """A command of a new id on the subject's record."""
        subject, now_ms = self.subject, time.time_ns() // 1_000_000
        fields: dict[str, Any] = {
            "command_id": f"conformance-{subject.examination}-{next(self._numbers)}",
            "tenant_id": subject.tenant_id,
            "module": subject.module,
            "record_id": subject.record_id,
            "type": kind,
            "parameters": msgspec.json.encode(parameters),
            "workflow_id": WORKFLOW,
            "run_id": "00000000-0000-8000-8000-000000000000",
            "event_id": f"conformance-{subject.examination}",
            "chain": (BEFORE,),
            "depth": 1,
            "issued_at_ms": now_ms,
            "deadline_ms": now_ms + round(subject.patience_seconds * 1000),
            "reply_context": CONTEXT,
        }
        return CrmCommand(**{**fields, **changes})

    def exchange(self, *commands: CrmCommand) -> Exchange:
        """Sends `commands`, waits for as many answers, and a little longer for what should not come."""
        bus, heard = self.subject.bus, self.subject.bus.heard
        answers, events, unreadable = len(heard.answers), len(heard.events), len(heard.unreadable)
        wanted = {command.command_id for command in commands}
        bus.send(*commands)
        deadline = time.monotonic() + self.subject.patience_seconds

        def heard_answers() -> list[tuple[bytes | None, CrmCommandResult]]:
            return [each for each in heard.answers[answers:] if each[1].command_id in wanted]

        while len(heard_answers()) < len(commands) and time.monotonic() < deadline:
            bus.listen(0.1)
        bus.listen(SETTLE_SECONDS)
        own = [each for each in heard.events[events:] if each.chain[-1:] == (WORKFLOW,)]
        return Exchange(commands, heard_answers(), own, heard.unreadable[unreadable:])

    def change(self, text: str) -> CrmCommand:
        """A command that sets the subject's field."""
        value = f"{text} ({self.subject.examination})"
        return self.command("change_field", {"field": self.subject.field, "value": value})


Check = Callable[[Examiner], Finding]


def applied_and_answered(examiner: Examiner) -> Finding:
    what = "a change is applied and answered"
    command = examiner.change("first")
    found = examiner.exchange(command)
    if found.unreadable:
        return Finding(what, False, "; ".join(found.unreadable))
    if not found.answers:
        return Finding(
            what, False, f"no answer to change_field within {examiner.subject.patience_seconds:.0f} s"
        )
    key, answer = found.answers[0]
    if answer.outcome != "applied":
        return Finding(what, False, f"change_field of {examiner.subject.field} was rejected: {answer.reason}")
    wanted = (command.tenant_id, command.module, command.record_id)
    problems = [
        problem
        for problem, is_one in (
            ("the key of the answer is not the command's", key != lane(*wanted)),
            (
                "tenant, module or record differ",
                (answer.tenant_id, answer.module, answer.record_id) != wanted,
            ),
            ("receipt is no JSON object", not isinstance(_json(answer.receipt), dict)),
            ("record does not show the change", _value(answer.record, examiner) != _wish(command)),
            ("record_version is missing", answer.record_version is None),
        )
        if is_one
    ]
    return Finding(what, not problems, "; ".join(problems) or f"record version {answer.record_version}")


def context_untouched(examiner: Examiner) -> Finding:
    what = "reply_context comes back untouched"
    found = examiner.exchange(examiner.change("context"))
    same = [answer.reply_context == CONTEXT for _, answer in found.answers]
    return Finding(what, bool(same) and all(same), f"{len(CONTEXT):,} bytes of every value sent")


def one_event_with_its_cause(examiner: Examiner) -> Finding:
    what = "one change is one event, with its cause"
    command = examiner.change("event")
    found = examiner.exchange(command)
    if len(found.events) != 1:
        return Finding(
            what, False, f"{len(found.events)} events whose chain ends with the command's workflow"
        )
    event = found.events[0]
    cause = (event.chain, event.depth, event.origin)
    wanted = ((BEFORE, WORKFLOW), 2, "workflow")
    if cause != wanted:
        return Finding(what, False, f"chain, depth and origin are {cause}; they must be {wanted}")
    if _value(event.record, examiner) != _wish(command):
        return Finding(what, False, "the event's record does not show the change")
    return Finding(what, True, f"{event.module}.{event.event}, chain of {len(event.chain)}")


def repeated_applied_once(examiner: Examiner) -> Finding:
    what = "a repeated command has one effect"
    first = examiner.command("create_task", {"subject": f"Conformance {examiner.subject.examination}"})
    again = msgspec.structs.replace(first, reply_context=b"of the repeat")
    found = examiner.exchange(first, again)
    answers = found.answers_to(first.command_id)
    tasks = [event for event in found.events if event.module == "tasks"]
    if len(answers) < 2:
        return Finding(
            what, False, f"{len(answers)} answers to a command sent twice; the repeat is answered too"
        )
    if len(tasks) != 1:
        return Finding(what, False, f"{len(tasks)} tasks were created by one command_id")
    if {answer.reply_context for answer in answers} != {first.reply_context, again.reply_context}:
        return Finding(what, False, "an answer does not carry the reply_context of the command it answers")
    if len({_result(answer) for answer in answers}) > 1:
        return Finding(what, False, "the repeat was answered with another outcome, receipt or record")
    return Finding(what, True, f"{len(answers)} answers alike, 1 task")


def old_command_changes_nothing(examiner: Examiner) -> Finding:
    what = "old commands that come again change nothing"
    old, new = examiner.change("old"), examiner.change("new")
    examiner.exchange(old, new)
    found = examiner.exchange(old)
    answers = found.answers_to(old.command_id)
    if found.events or not answers:
        return Finding(what, False, f"{len(found.events)} events and {len(answers)} answers to the repeat")
    after = examiner.exchange(
        examiner.command("change_field", {"field": examiner.subject.field, "value": None})
    )
    before = [_value(event.previous, examiner) for event in after.events]
    if before not in ([_wish(new)], [None]):  # None: a CRM may leave `previous` out
        return Finding(what, False, f"the record went back to {before}")
    return Finding(what, True, "no event, the recorded answer again")


def rejections_stay(examiner: Examiner) -> Finding:
    what = "what can't be done is rejected, for good"
    command = examiner.command("assign_owner", {"owner": "no-such-user"})
    found = examiner.exchange(command, command)
    answers = found.answers_to(command.command_id)
    if len(answers) < 2 or any(answer.outcome != "rejected" for answer in answers):
        told = [answer.outcome for answer in answers]
        return Finding(what, False, f"an owner who does not exist was answered {told or 'not at all'}")
    if not all(answer.reason for answer in answers) or found.events:
        return Finding(what, False, "a rejection has a reason and no event")
    return Finding(what, True, str(answers[0].reason))


def unknown_record_rejected(examiner: Examiner) -> Finding:
    what = "a record that does not exist is rejected"
    missing = f"conformance-{examiner.subject.examination}-missing"
    command = msgspec.structs.replace(examiner.change("missing"), record_id=missing)
    found = examiner.exchange(command)
    answers = found.answers_to(command.command_id)
    rejected = bool(answers) and answers[0].outcome == "rejected"
    return Finding(what, rejected, str(answers[0].reason) if answers else "no answer")


def applied_in_order(examiner: Examiner) -> Finding:
    what = "commands of a record are applied in order"
    commands = [examiner.change(f"number {number}") for number in range(IN_ORDER)]
    found = examiner.exchange(*commands)
    seen = [_value(event.record, examiner) for event in found.events]
    versions = [answer.record_version or 0 for _, answer in found.answers]
    in_order = seen == [_wish(command) for command in commands] and versions == sorted(set(versions))
    return Finding(what, in_order, f"{len(seen)} events, versions {versions[:1]} to {versions[-1:]}")


def stage_moved(examiner: Examiner) -> Finding:
    what = "move_stage"
    stages = examiner.subject.stages
    if not stages:
        return Finding(what, True, f"not checked: crm.catalog gives {examiner.subject.module} no stages")
    for stage in stages[:2]:  # the record is in one of them at most
        found = examiner.exchange(examiner.command("move_stage", {"stage": stage}))
        if [event.event for event in found.events] == ["stage_changed"]:
            return Finding(what, True, f"to {stage}: one stage_changed")
    told = [answer.reason or answer.outcome for _, answer in found.answers]
    return Finding(what, False, f"no single stage_changed; answered {told or 'not at all'}")


def owner_assigned(examiner: Examiner) -> Finding:
    what = "assign_owner"
    users = examiner.subject.users[:2]
    if len(users) < 2:
        return Finding(what, True, "not checked: crm.catalog names fewer than two users")
    found = examiner.exchange(*(examiner.command("assign_owner", {"owner": user}) for user in users))
    applied = [answer.outcome for _, answer in found.answers] == ["applied", "applied"]
    return Finding(what, applied and len(found.events) in {1, 2}, f"{len(found.events)} events for {users}")


def users_notified(examiner: Examiner) -> Finding:
    what = "send_notification"
    if not examiner.subject.users:
        return Finding(what, True, "not checked: crm.catalog names no users")
    parameters = {"to": [examiner.subject.users[0]], "message": "Signalbox checks this CRM."}
    found = examiner.exchange(examiner.command("send_notification", parameters))
    outcomes = [answer.outcome for _, answer in found.answers]
    return Finding(what, outcomes == ["applied"], f"answered {outcomes or 'not at all'}")


CHECKS: Final[tuple[Check, ...]] = (
    applied_and_answered,
    context_untouched,
    one_event_with_its_cause,
    repeated_applied_once,
    old_command_changes_nothing,
    rejections_stay,
    unknown_record_rejected,
    applied_in_order,
    stage_moved,
    owner_assigned,
    users_notified,
)


def _json(data: bytes | None) -> Any:
    try:
        return msgspec.json.decode(data or b"null")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _value(record: bytes | None, examiner: Examiner) -> Any:
    read = _json(record)
    return read.get(examiner.subject.field) if isinstance(read, dict) else None


def _wish(command: CrmCommand) -> Any:
    return _json(command.parameters)["value"]


def _result(answer: CrmCommandResult) -> tuple[object, ...]:
    return (answer.outcome, answer.reason, answer.receipt, answer.record, answer.record_version)
