"""Recent records and events of the CRM, to try a workflow on."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from signalbox_contracts import topics
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.record_title import title_of
from signalbox_runtime.http.auth import Viewer
from signalbox_runtime.http.problems import documented, not_found
from workflow_api.adapters.event_search import EventWanted, NotFound
from workflow_api.adapters.recent_records import RECORDS_MAX
from workflow_api.routes.access import Using

router = APIRouter(tags=["records"])


class RecentRecord(BaseModel):
    """A record that changed lately."""

    record_id: str
    title: str | None = Field(description="What the CRM shows of it: a name, a subject, a number")
    last_event: str
    at: datetime
    event_id: str


class RecentRecords(BaseModel):
    """The records of a module, the last changed first."""

    items: list[RecentRecord]
    next: None = None


class EventOut(BaseModel):
    """An event as it happened."""

    event_id: str
    module: str
    event: str
    record_id: str
    time: datetime
    actor: str | None
    origin: str
    record: Any
    previous: Any = Field(description="null where the event created the record, or did not say")


@router.get(
    "/v1/records/{module}", summary="Records that changed lately, to test with", responses=documented(404)
)
async def recent_records(
    caller: Viewer,
    using: Using,
    module: topics.ModuleName,
    q: Annotated[str | None, Query(max_length=200, description="Part of the title or of the id")] = None,
    limit: Annotated[int, Query(ge=1, le=RECORDS_MAX)] = 20,
) -> RecentRecords:
    found = await asyncio.to_thread(using.recent_records.find, caller.tenant_id, module, q, limit)
    return RecentRecords(
        items=[
            RecentRecord(
                record_id=event.record_id,
                title=title_of(msgspec.json.decode(event.record)),
                last_event=event.event,
                at=_moment(event),
                event_id=event.event_id,
            )
            for event in found
        ]
    )


@router.get("/v1/events/{event_id}", summary="An event as it happened", responses=documented(404))
async def read_event(
    caller: Viewer,
    using: Using,
    event_id: str,
    module: Annotated[topics.ModuleName | None, Query(description="Unset: all modules are searched")] = None,
) -> EventOut:
    for name in [module] if module is not None else topics.MODULES:
        wanted = EventWanted(caller.tenant_id, name, event_id=event_id)
        found = await asyncio.to_thread(using.event_search.find, wanted)
        if not isinstance(found, NotFound):
            return EventOut(
                event_id=found.event_id,
                module=found.module,
                event=found.event,
                record_id=found.record_id,
                time=_moment(found),
                actor=found.actor,
                origin=found.origin,
                record=msgspec.json.decode(found.record),
                previous=None if found.previous is None else msgspec.json.decode(found.previous),
            )
    raise not_found("event", event_id)


def _moment(event: CrmEvent) -> datetime:
    return datetime.fromtimestamp(event.occurred_at_ms / 1000, UTC)
