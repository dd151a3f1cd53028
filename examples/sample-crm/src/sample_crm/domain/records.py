"""Records and their changes: what becomes of a record when its fields are set.

A change is a value; storing it and publishing its event is somebody else's work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sample_crm.domain.directory import Directory
from sample_crm.domain.modules import Module
from sample_crm.domain.values import check_value, to_text
from sample_crm.errors import Refused

Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one record. `before` is None when it was created."""

    module: Module
    before: Record | None
    after: Record
    event: str | None
    """The most specific name of the change; None where the module has no event for it."""


def create(
    module: Module, record_id: str, fields: Mapping[str, Any], directory: Directory, now: datetime
) -> Change:
    """A new record with every field of its module. Raises Refused."""
    record: Record = {"id": record_id}
    record |= {name: field.default for name, field in module.fields.items() if not _is_kept_by_crm(name)}
    if module.name in directory.pipelines:
        record["stage"] = directory.pipelines[module.name][0].name
    record |= checked(module, fields, directory)
    for field in module.own_fields:
        if field.required and record[field.name] is None:
            raise Refused("invalid-value", f"{field.name} is missing; {module.label} need it.", field.name)
    at = to_text(now)
    return Change(module, None, record | {"created_at": at, "updated_at": at, "version": 1}, "created")


def change(
    module: Module, record: Record, fields: Mapping[str, Any], directory: Directory, now: datetime
) -> Change | None:
    """`record` with `fields` set by a person or a command; None if that changes nothing. Raises Refused."""
    values = checked(module, fields, directory)
    stage = values.get("stage", record.get("stage"))
    if stage != record.get("stage"):
        _check_movable(module, record, directory)
        if "closed_at" in module.fields and directory.stage(module, stage).kind != "open":
            values["closed_at"] = to_text(now)
    return revise(module, record, values, directory, now)


def revise(
    module: Module, record: Record, values: Mapping[str, Any], directory: Directory, now: datetime
) -> Change | None:
    """`record` with `values`, unchecked; None if that changes nothing."""
    if all(
        record.get(name) == value and type(record.get(name)) is type(value) for name, value in values.items()
    ):
        return None
    after = record | dict(values) | {"updated_at": to_text(now), "version": record["version"] + 1}
    return Change(module, record, after, _event_name(module, record, after, directory))


def checked(module: Module, fields: Mapping[str, Any], directory: Directory) -> Record:
    """`fields` as they are stored. Raises Refused for one that is unknown, read-only or of the wrong kind."""
    values: Record = {}
    for name, value in fields.items():
        field = module.fields.get(name)
        if field is None:
            raise Refused("unknown-field", f"{module.label} have no field {name[:80]!r}.", name[:80])
        if field.read_only:
            raise Refused("read-only-field", f"{name} can't be set; an action of the CRM changes it.", name)
        values[name] = (
            directory.stage(module, value).name if name == "stage" else check_value(field, value, directory)
        )
    return values


def _event_name(module: Module, before: Record, after: Record, directory: Directory) -> str | None:
    status = after["status"] if before.get("status") != after.get("status") else None
    moved = before.get("stage") != after.get("stage")
    match module.name:
        case "leads":
            named = {"Converted": "converted", "Disqualified": "disqualified"}.get(status or "")
            return named or ("stage_changed" if moved else "updated")
        case "opportunities" if moved:
            kind = directory.stage(module, after["stage"]).kind
            return "stage_changed" if kind == "open" else f"closed_{kind}"
        case "opportunities" | "contacts" | "accounts":
            return "updated"
        case "tasks":
            return "completed" if status == "Completed" else None
        case "invoices":
            return {"Sent": "sent", "Paid": "paid", "Overdue": "overdue"}.get(status or "")
        case _:
            raise ValueError(f"there is no module {module.name}")


def _check_movable(module: Module, record: Record, directory: Directory) -> None:
    closed = record.get("status") in {"Converted", "Disqualified"}
    if closed or directory.stage(module, record["stage"]).kind != "open":
        told = record["status"] if closed else record["stage"]
        raise Refused(
            "closed-record", f"{record['id']} is {told}; a closed record moves to no other stage.", "stage"
        )


def _is_kept_by_crm(name: str) -> bool:
    return name in {"id", "created_at", "updated_at", "version"}
