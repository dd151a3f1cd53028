"""API keys of a tenant: made by an admin, shown once, changed, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Access, Principal, Role, key_hash, new_key
from signalbox_runtime.http.problems import conflict, not_found
from workflow_api.adapters.audit_notes import note_change
from workflow_api.adapters.tables import api_keys, tenants
from workflow_api.domain.workflow import Change
from workflow_api.moments import change_by

_COLUMNS = api_keys.c


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """What an admin says of a key."""

    name: str
    role: str
    email: str | None
    expires_at: datetime | None
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be known of a key."""

    id: str
    name: str
    role: str
    email: str | None
    requests_per_minute: int
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class ApiKeys:
    """What the routes do with keys."""

    def __init__(self, engine: AsyncEngine, access: Access, clock: Clock) -> None:
        self._engine = engine
        self._access = access
        self._clock = clock

    async def list(
        self, tenant_id: str, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[KeyInfo]:
        """Keys in the order they were made, revoked ones too."""
        query = _selected().where(_COLUMNS.tenant_id == tenant_id)
        if after is not None:
            query = query.where(tuple_(_COLUMNS.created_at, _COLUMNS.id) > tuple_(*after))
        query = query.order_by(_COLUMNS.created_at, _COLUMNS.id).limit(limit)
        async with self._engine.connect() as connection:
            return [KeyInfo(**row) for row in (await connection.execute(query)).mappings()]

    async def read(self, tenant_id: str, key_id: str) -> KeyInfo:
        """A key. Raises a 404 problem."""
        async with self._engine.connect() as connection:
            return await _find(connection, tenant_id, key_id)

    async def create(self, caller: Principal, wanted: KeyWanted) -> tuple[KeyInfo, str]:
        """A new key, and its text: the only time that it is known."""
        change = change_by(caller, self._clock)
        key = new_key()
        async with self._engine.begin() as connection:
            query = insert(api_keys).values(
                tenant_id=caller.tenant_id,
                key_hash=key_hash(key),
                created_at=change.at,
                created_by=change.by,
                **_values(wanted),
            )
            row = (await connection.execute(query.returning(_COLUMNS.id))).one()
            info = await _find(connection, caller.tenant_id, row.id)
            await note_change(
                connection, caller.tenant_id, change, "api-key.create", info.id, None, _summary(info)
            )
        return info, key

    async def change(self, caller: Principal, key_id: str, wanted: KeyWanted) -> KeyInfo:
        """Changes what a key may do; the key itself stays. Raises a 404 or 409 problem."""
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            await _one_at_a_time(connection, caller.tenant_id)
            before = await _find(connection, caller.tenant_id, key_id)
            if before.revoked_at is not None:
                raise conflict("revoked", "This key is revoked for good; make a new one.")
            after = replace(before, **_values(wanted))
            await connection.execute(
                update(api_keys).where(_COLUMNS.id == before.id).values(**_values(wanted))
            )
            await self._keep_an_admin(connection, caller.tenant_id, change)
            await note_change(
                connection,
                caller.tenant_id,
                change,
                "api-key.change",
                before.id,
                _summary(before),
                _summary(after),
            )
        self._access.forget()
        return after

    async def revoke(self, caller: Principal, key_id: str) -> KeyInfo:
        """Ends a key. Raises a 404 or 409 problem."""
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            await _one_at_a_time(connection, caller.tenant_id)
            before = await _find(connection, caller.tenant_id, key_id)
            if before.revoked_at is not None:
                return before
            await connection.execute(
                update(api_keys).where(_COLUMNS.id == before.id).values(revoked_at=change.at)
            )
            await self._keep_an_admin(connection, caller.tenant_id, change)
            await note_change(
                connection, caller.tenant_id, change, "api-key.revoke", before.id, _summary(before), None
            )
        self._access.forget()
        return replace(before, revoked_at=change.at)

    async def _keep_an_admin(self, connection: AsyncConnection, tenant_id: str, change: Change) -> None:
        query = (
            select(func.count())
            .select_from(api_keys)
            .where(
                _COLUMNS.tenant_id == tenant_id,
                _COLUMNS.role == Role.admin.name,
                _COLUMNS.revoked_at.is_(None),
                or_(_COLUMNS.expires_at.is_(None), _COLUMNS.expires_at > change.at),
            )
        )
        if (await connection.execute(query)).scalar_one() == 0:
            raise conflict(
                "last-admin", "Then no admin key would be left; make another one first (POST /v1/api-keys)."
            )


def _values(wanted: KeyWanted) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "role": wanted.role,
        "email": wanted.email,
        "expires_at": wanted.expires_at,
        "requests_per_minute": wanted.requests_per_minute,
    }


def _summary(info: KeyInfo) -> dict[str, Any]:
    expires_at = None if info.expires_at is None else info.expires_at.isoformat()
    return {"name": info.name, "role": info.role, "email": info.email, "expires_at": expires_at}


def _selected() -> Any:
    columns = _COLUMNS
    return select(
        columns.id,
        columns.name,
        columns.role,
        columns.email,
        columns.requests_per_minute,
        columns.created_at,
        columns.created_by,
        columns.expires_at,
        columns.revoked_at,
        columns.last_used_at,
    )


async def _one_at_a_time(connection: AsyncConnection, tenant_id: str) -> None:
    """Changes of a tenant's keys wait for each other, or two admins could revoke one another."""
    await connection.execute(select(tenants.c.id).where(tenants.c.id == tenant_id).with_for_update())


async def _find(connection: AsyncConnection, tenant_id: str, key_id: str) -> KeyInfo:
    query = _selected().where(_COLUMNS.tenant_id == tenant_id, _COLUMNS.id == key_id)
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        raise not_found("key", key_id)
    return KeyInfo(**row)
