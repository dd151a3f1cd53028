"""Who changed or retried what, when, before and after."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from signalbox_runtime.http.auth import Operator
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from workflow_api.adapters.audit_rows import AuditFilter, read_audit
from workflow_api.moments import Moment
from workflow_api.routes.access import Using

router = APIRouter(tags=["audit"])


class AuditEntryOut(BaseModel):
    """One change."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    before: Any
    after: Any


@router.get("/v1/audit", summary="Changes, newest first")
async def read_audit_trail(
    caller: Operator,
    using: Using,
    object_type: Annotated[str | None, Query(max_length=60, description="workflow, run, secret …")] = None,
    object_id: Annotated[str | None, Query(max_length=200)] = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=60, description="workflow.publish, run.retry …")] = None,
    from_time: Annotated[Moment | None, Query(alias="from")] = None,
    to_time: Annotated[Moment | None, Query(alias="to")] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Page[AuditEntryOut]:
    place = decode_cursor(cursor, int)
    wanted = AuditFilter(caller.tenant_id, object_type, object_id, actor, action, from_time, to_time)
    found = await read_audit(using.engine, wanted, place[0] if place else None, limit + 1)
    items = [AuditEntryOut.model_validate(entry) for entry in found[:limit]]
    return Page(items=items, next=encode_cursor(items[-1].id) if len(found) > limit else None)
