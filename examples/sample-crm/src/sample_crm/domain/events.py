"""A change as the message that tells the world: Avro `CrmEvent`, with CloudEvents attributes as headers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import msgspec

from sample_crm.domain.directory import Directory
from sample_crm.domain.modules import MODULES, Module
from sample_crm.domain.records import Change
from signalbox_contracts import codec, topics
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCatalog, CrmCommand, CrmEvent
from signalbox_runtime.records import Outbound

Origin: TypeAlias = Literal["ui", "api", "import", "workflow", "system"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changed something, and through which workflows it came about."""

    actor: str | None
    origin: Origin
    chain: tuple[str, ...] = ()
    depth: int = 0


def caused_by(command: CrmCommand) -> Cause:
    """The cause of what a command does: the workflow joins the chain, so that loops can be seen."""
    return Cause(
        actor=f"workflow:{command.workflow_id}",
        origin="workflow",
        chain=(*command.chain, command.workflow_id),
        depth=command.depth + 1,
    )


def event_record(
    tenant_id: str, change: Change, cause: Cause, event_id: str, now: datetime
) -> Outbound | None:
    """The event of a change, on its module's topic under its record's lane; None if it has no name."""
    if change.event is None:
        return None
    module, record_id = change.module.name, change.after["id"]
    event = CrmEvent(
        tenant_id=tenant_id,
        event_id=event_id,
        module=module,
        event=change.event,
        record_id=record_id,
        occurred_at_ms=milliseconds(now),
        record=msgspec.json.encode(change.after),
        previous=msgspec.json.encode(change.before),
        actor=cause.actor,
        origin=cause.origin,
        chain=cause.chain,
        depth=cause.depth,
    )
    headers = {
        "content-type": "application/avro",
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": f"/sample-crm/{module}",
        "ce_type": f"crm.{module}.{change.event}",
        "ce_subject": record_id,
        "ce_time": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "ce_tenantid": tenant_id,
    }
    return Outbound(
        topics.crm_topic(module),
        lane(tenant_id, module, record_id),
        codec.encode(event),
        tuple((name, text.encode()) for name, text in headers.items()),
    )


def catalog_records(tenant_id: str, directory: Directory, now: datetime) -> list[Outbound]:
    """The messages of `crm.catalog`: one per module, one for the users."""
    contents: dict[str, Any] = {module.name: _module_content(module, directory) for module in MODULES}
    contents["users"] = [
        {"id": user.id, "name": user.name, "email": user.email} for user in directory.users.values()
    ]
    return [
        Outbound(
            topics.CRM_CATALOG,
            f"{tenant_id}/{kind}".encode(),
            codec.encode(
                CrmCatalog(
                    tenant_id=tenant_id,
                    kind=kind,
                    content=msgspec.json.encode(content),
                    published_at_ms=milliseconds(now),
                )
            ),
        )
        for kind, content in contents.items()
    ]


def milliseconds(at: datetime) -> int:
    """A time in ms since 1970."""
    return round(at.timestamp() * 1000)


def _module_content(module: Module, directory: Directory) -> dict[str, Any]:
    stages = [stage.name for stage in directory.pipelines.get(module.name, ())]
    fields = [
        {"name": each.name, "type": each.type, "label": each.label}
        | ({"options": stages if each.name == "stage" else each.options} if each.type == "picklist" else {})
        for each in module.fields.values()
    ]
    return {"module": module.name, "label": module.label, "fields": fields, "stages": stages}
