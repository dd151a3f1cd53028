"""Who changed what: rows of `access.audit`, written in the transaction of the change itself.

The table is workflow-api's; run-ledger writes retries, resolutions and cancels into it the same way.
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERT = text(
    "INSERT INTO access.audit (tenant_id, at, actor, action, object_type, object_id, before, after)"
    " VALUES (:tenant_id, :at, :actor, :action, :object_type, :object_id,"
    " CAST(:before AS json), CAST(:after AS json))"
)


async def note(
    connection: AsyncConnection,
    *,
    tenant_id: str,
    at: datetime,
    actor: str,
    action: str,
    object_type: str,
    object_id: str,
    before: Any = None,
    after: Any = None,
) -> None:
    """Adds a row, e.g. action `workflow.publish` on object_type `workflow`. `before` and `after` are JSON
    values that show the change; secrets and record data don't belong in them."""
    values = {
        "tenant_id": tenant_id,
        "at": at,
        "actor": actor,
        "action": action,
        "object_type": object_type,
        "object_id": object_id,
        "before": None if before is None else json.dumps(before, ensure_ascii=True),
        "after": None if after is None else json.dumps(after, ensure_ascii=True),
    }
    await connection.execute(_INSERT, values)
