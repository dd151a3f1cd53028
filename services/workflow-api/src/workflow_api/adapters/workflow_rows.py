"""Workflows and versions in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from signalbox_contracts.definitions.document import WorkflowDefinition, from_bytes
from workflow_api.adapters.tables import versions, workflows
from workflow_api.domain.workflow import Change, Document, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version as stored: `document` as its author wrote it, `definition` as it was sent."""

    workflow_id: str
    version: int
    document: Document
    definition: bytes
    note: str | None
    published_at: datetime
    published_by: str

    def parsed(self) -> WorkflowDefinition:
        """What it means, templates copied in."""
        return from_bytes(bytes(self.definition))


async def find(
    connection: AsyncConnection, tenant_id: str, workflow_id: str, *, lock: bool = False
) -> Workflow | None:
    """The workflow of that tenant; `lock` keeps others from changing it until the transaction ends."""
    query = select(workflows).where(workflows.c.tenant_id == tenant_id, workflows.c.id == workflow_id)
    if lock:
        query = query.with_for_update()
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else from_row(row)


def from_row(row: Mapping[Any, Any]) -> Workflow:
    """A workflow from a row of its table."""
    fields = {str(name): value for name, value in row.items() if name not in {"module", "event"}}
    return Workflow(**fields)


async def add(connection: AsyncConnection, workflow: Workflow) -> None:
    """Inserts a new workflow."""
    await connection.execute(insert(workflows).values(_values(workflow)))


async def save(connection: AsyncConnection, workflow: Workflow) -> None:
    """Writes a workflow that `find` locked."""
    query = update(workflows).where(
        workflows.c.tenant_id == workflow.tenant_id, workflows.c.id == workflow.id
    )
    await connection.execute(query.values(_values(workflow)))


def _values(workflow: Workflow) -> dict[str, Any]:
    return {**asdict(workflow), "module": workflow.module, "event": workflow.event}


async def add_version(
    connection: AsyncConnection,
    workflow: Workflow,
    document: Document,
    definition: bytes,
    note: str | None,
    change: Change,
) -> None:
    """Inserts version `workflow.version`."""
    await connection.execute(
        insert(versions).values(
            tenant_id=workflow.tenant_id,
            workflow_id=workflow.id,
            version=workflow.version,
            document=document,
            definition=definition,
            note=note,
            published_at=change.at,
            published_by=change.by,
        )
    )


async def find_version(
    connection: AsyncConnection, tenant_id: str, workflow_id: str, version: int
) -> Version | None:
    """One version of a workflow."""
    query = select(versions).where(
        versions.c.tenant_id == tenant_id,
        versions.c.workflow_id == workflow_id,
        versions.c.version == version,
    )
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _version(row)


async def list_versions(
    connection: AsyncConnection, tenant_id: str, workflow_id: str, before: int | None, limit: int
) -> list[Version]:
    """Versions below `before`, newest first."""
    query = (
        select(versions)
        .where(versions.c.tenant_id == tenant_id, versions.c.workflow_id == workflow_id)
        .order_by(versions.c.version.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(versions.c.version < before)
    return [_version(row) for row in (await connection.execute(query)).mappings()]


def _version(row: Mapping[Any, Any]) -> Version:
    return Version(**{str(name): value for name, value in row.items() if name != "tenant_id"})


async def active_definitions(
    engine: AsyncEngine, tenant_id: str, at_most: int | None = None
) -> dict[str, bytes]:
    """The definitions of a tenant's active workflows as published, by id."""
    query = (
        select(versions.c.workflow_id, versions.c.definition)
        .join(
            workflows,
            and_(
                workflows.c.tenant_id == versions.c.tenant_id,
                workflows.c.id == versions.c.workflow_id,
                workflows.c.version == versions.c.version,
            ),
        )
        .where(workflows.c.tenant_id == tenant_id, workflows.c.status == "active")
        .order_by(versions.c.workflow_id)
        .limit(at_most)
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    return {row.workflow_id: bytes(row.definition) for row in rows}
