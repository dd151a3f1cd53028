"""The audit trail, newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from workflow_api.adapters.tables import audit

_COLUMNS = audit.c


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries of a tenant; what is None does not narrow."""

    tenant_id: str
    object_type: str | None = None
    object_id: str | None = None
    actor: str | None = None
    action: str | None = None
    from_time: datetime | None = None
    to_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change."""

    id: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    before: Any
    after: Any


async def read_audit(
    engine: AsyncEngine, wanted: AuditFilter, before_id: int | None, limit: int
) -> list[AuditEntry]:
    """Entries older than `before_id`."""
    query = select(*(column for column in _COLUMNS if column.name != "tenant_id"))
    query = query.where(_COLUMNS.tenant_id == wanted.tenant_id).order_by(_COLUMNS.id.desc()).limit(limit)
    for name in ("object_type", "object_id", "actor", "action"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(_COLUMNS[name] == value)
    if wanted.from_time is not None:
        query = query.where(_COLUMNS.at >= wanted.from_time)
    if wanted.to_time is not None:
        query = query.where(_COLUMNS.at < wanted.to_time)
    if before_id is not None:
        query = query.where(_COLUMNS.id < before_id)
    async with engine.connect() as connection:
        return [AuditEntry(**row) for row in (await connection.execute(query)).mappings()]
