"""A tenant and its first admin key, so that somebody can make the others."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import key_hash, new_key
from workflow_api.adapters.tables import api_keys, tenants

FIRST_KEY_NAME: Final = "first"
FIRST_KEY_REQUESTS_PER_MINUTE: Final = 60_000


async def ensure_first_key(
    engine: AsyncEngine, tenant_id: str, key_file: Path | None, email: str | None, clock: Clock
) -> None:
    """Makes a tenant, and an admin key for it in `key_file`; without a file no key.

    A key that the file already holds is taken over as it is, so a crash between the file and the database,
    or a new database beside an old file, heals itself. Whoever can write that file owns the system anyway.
    """
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    async with engine.begin() as connection:
        await connection.execute(
            insert(tenants).values(id=tenant_id, created_at=now).on_conflict_do_nothing()
        )
        if key_file is None:
            return
        key = _key_in(key_file)
        known = select(api_keys.c.id).where(api_keys.c.key_hash == key_hash(key))
        if (await connection.execute(known)).first() is None:
            await connection.execute(
                insert(api_keys).values(
                    tenant_id=tenant_id,
                    name=FIRST_KEY_NAME,
                    role="admin",
                    key_hash=key_hash(key),
                    email=email,
                    requests_per_minute=FIRST_KEY_REQUESTS_PER_MINUTE,
                    created_at=now,
                    created_by="first start",
                )
            )


def _key_in(path: Path) -> str:
    """The key in the file; a new one is written there, readable only by its owner, if there is none."""
    if path.exists() and (key := path.read_text(encoding="ascii").strip()):
        return key
    key = new_key()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
    fresh.replace(path)
    return key
