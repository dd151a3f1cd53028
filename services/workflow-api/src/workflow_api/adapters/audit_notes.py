"""The audit entry of a change, written in the change's own transaction."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from signalbox_runtime.http import audit
from workflow_api.domain.workflow import Change


async def note_change(
    connection: AsyncConnection,
    tenant_id: str,
    change: Change,
    action: str,
    object_id: str,
    before: Any = None,
    after: Any = None,
) -> None:
    """`action` is the kind of object and what was done to it: `api-key.create`."""
    await audit.note(
        connection,
        tenant_id=tenant_id,
        at=change.at,
        actor=change.by,
        action=action,
        object_type=action.partition(".")[0],
        object_id=object_id,
        before=before,
        after=after,
    )
