"""A workflow's commands: what each does to its record, and what is answered.

The parameters and receipts of each kind are documented in docs/guides/integrating-a-crm.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import msgspec

from sample_crm.domain.actions import Setting
from sample_crm.domain.modules import MODULES_BY_NAME, TASKS, Module
from sample_crm.domain.records import Change, Record, change, create
from sample_crm.errors import Code, Refused
from signalbox_contracts.messages import CrmCommand

RECIPIENTS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to one user inside the CRM."""

    id: str
    user_id: str
    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What the command did. `changes` of other records come first, `record` is the command's own after it."""

    record: Record
    receipt: Mapping[str, Any]
    changes: tuple[Change, ...] = ()
    notifications: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why the command was not applied; `record` as it is, where there is one."""

    code: Code
    reason: str
    record: Record | None = field(default=None)


def decide(command: CrmCommand, record: Record | None, setting: Setting) -> Applied | Rejected:
    """What becomes of a command on its record (None if there is no such record)."""
    module = MODULES_BY_NAME.get(command.module)
    if module is None or record is None:
        reason = f"There is no record {command.record_id!r} in {command.module}."
        return Rejected("unknown-record", reason)
    kind = _KINDS.get(command.type)
    if kind is None:
        return Rejected("unknown-command", f"This CRM has no command {command.type!r}.", record)
    try:
        return kind(module, record, _parameters(command.parameters), setting)
    except Refused as refused:
        return Rejected(refused.code, refused.reason, record)


Parameters: TypeAlias = Mapping[str, Any]


def _create_task(module: Module, record: Record, parameters: Parameters, setting: Setting) -> Applied:
    given = {
        name: parameters[name]
        for name in ("subject", "description", "due_at", "priority")
        if parameters.get(name)
    }
    about = {"related_module": module.name, "related_id": record["id"]}
    assignee = parameters.get("assignee") or record.get(module.owner_field)
    fields = {**given, **about, "assignee": assignee}
    task_id = setting.new_id(TASKS.id_prefix)
    made = create(TASKS, task_id, fields, setting.directory, setting.now)
    return Applied(record, {"task_id": task_id, "record_version": record["version"]}, (made,))


def _change_field(module: Module, record: Record, parameters: Parameters, setting: Setting) -> Applied:
    name = _required(parameters, "field")
    if "value" not in parameters:
        raise Refused("invalid-parameters", "change_field needs a value; null empties the field.", "value")
    applied = _set(module, record, name, parameters["value"], setting)
    return Applied(applied.record, {"field": name, **applied.receipt}, applied.changes)


def _move_stage(module: Module, record: Record, parameters: Parameters, setting: Setting) -> Applied:
    name = _required(parameters, "stage")
    directory = setting.directory
    target = (
        directory.next_stage(module, record.get("stage", ""))
        if name == "next"
        else directory.stage(module, name)
    )
    return _set(module, record, "stage", target.name, setting)


def _assign_owner(module: Module, record: Record, parameters: Parameters, setting: Setting) -> Applied:
    owner = setting.directory.require_user(_required(parameters, "owner"), "owner")
    return _set(module, record, module.owner_field, owner, setting)


def _send_notification(module: Module, record: Record, parameters: Parameters, setting: Setting) -> Applied:
    message = _required(parameters, "message")
    users = parameters.get("to")
    if not isinstance(users, list) or not 1 <= len(users) <= RECIPIENTS_MAX:
        raise Refused("invalid-parameters", f"to must list 1 to {RECIPIENTS_MAX} user ids.", "to")
    known = [setting.directory.require_user(user, "to") for user in dict.fromkeys(map(str, users))]
    sent = tuple(Notification(setting.new_id("ntf"), user, message) for user in known)
    receipt = {"notification_ids": [each.id for each in sent], "record_version": record["version"]}
    return Applied(record, receipt, notifications=sent)


_KINDS: Final[Mapping[str, Callable[[Module, Record, Parameters, Setting], Applied]]] = {
    "create_task": _create_task,
    "change_field": _change_field,
    "move_stage": _move_stage,
    "assign_owner": _assign_owner,
    "send_notification": _send_notification,
}


def _set(module: Module, record: Record, name: str, value: Any, setting: Setting) -> Applied:
    changed = change(module, record, {name: value}, setting.directory, setting.now)
    after = record if changed is None else changed.after
    receipt = {
        "from": record.get(name),
        "to": after.get(name),
        "changed": changed is not None,
        "record_version": after["version"],
    }
    return Applied(after, receipt, () if changed is None else (changed,))


def _parameters(data: bytes) -> Parameters:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("invalid-parameters", f"The parameters are not a JSON object: {error}.") from error


def _required(parameters: Parameters, name: str) -> str:
    value = parameters.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise Refused("invalid-parameters", f"{name} is missing, or is not a text.", name)
    return value
