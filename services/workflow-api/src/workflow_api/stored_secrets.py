"""Secrets: stored and sent sealed, used by name, never shown again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import SecretEnvelope
from signalbox_runtime import fault
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import conflict, not_found, unavailable
from signalbox_runtime.outbox.tables import OutboxTables
from signalbox_runtime.records import Outbound
from signalbox_runtime.secrets import Keyring, SecretUnreadable, open_envelope, seal
from workflow_api.adapters.audit_notes import note_change
from workflow_api.adapters.tables import secrets
from workflow_api.domain.announcements import milliseconds
from workflow_api.domain.workflow import Change
from workflow_api.moments import change_by
from workflow_api.workflows import IsEffective

_COLUMNS = secrets.c


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What may be known of a secret."""

    name: str
    created_at: datetime
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class SecretStored:
    """A secret after it was stored or removed, and whether the runner uses it so from now on."""

    info: SecretInfo
    effective: bool


class StoredSecrets:
    """What the routes do with secrets."""

    def __init__(
        self,
        engine: AsyncEngine,
        outbox: OutboxTables,
        is_effective: IsEffective,
        keyring: Keyring | None,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._outbox = outbox
        self._is_effective = is_effective
        self._keyring = keyring
        self._clock = clock

    async def list(self, tenant_id: str, after: str | None, limit: int) -> Sequence[SecretInfo]:
        """Secrets by name, those after `after`."""
        columns = (_COLUMNS.name, _COLUMNS.created_at, _COLUMNS.updated_at, _COLUMNS.updated_by)
        query = select(*columns).where(_COLUMNS.tenant_id == tenant_id)
        query = query.order_by(_COLUMNS.name).limit(limit)
        if after is not None:
            query = query.where(_COLUMNS.name > after)
        async with self._engine.connect() as connection:
            return [SecretInfo(**row) for row in (await connection.execute(query)).mappings()]

    async def create(self, caller: Principal, name: str, value: str) -> SecretStored:
        """A new secret. Raises a 409 problem when there is one of that name."""
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            if await _find(connection, caller.tenant_id, name) is not None:
                raise conflict("name-taken", f"There is a secret {name!r} already; change it with PUT.")
            info = SecretInfo(name, change.at, change.at, change.by)
            row_id = await self._store(connection, caller, change, info, (value,), "create")
        return await self._stored(info, row_id)

    async def change(self, caller: Principal, name: str, value: str, *, keep_previous: bool) -> SecretStored:
        """A new value; with `keep_previous` webhooks are signed with the former one too until the next."""
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            found = await _find(connection, caller.tenant_id, name)
            if found is None:
                raise not_found("secret", name)
            created_at, envelope = found
            values = (value, self._newest(envelope)) if keep_previous else (value,)
            info = SecretInfo(name, created_at, change.at, change.by)
            row_id = await self._store(connection, caller, change, info, values, "change")
        return await self._stored(info, row_id)

    async def delete(self, caller: Principal, name: str) -> SecretStored:
        """Forgets a secret; an action that names it fails from now on."""
        change = change_by(caller, self._clock)
        async with self._engine.begin() as connection:
            found = await _find(connection, caller.tenant_id, name)
            if found is None:
                raise not_found("secret", name)
            await connection.execute(
                delete(secrets).where(_COLUMNS.tenant_id == caller.tenant_id, _COLUMNS.name == name)
            )
            await note_change(connection, caller.tenant_id, change, "secret.delete", name)
            row_id = await self._outbox.insert_rows(connection, [_record(caller.tenant_id, name, None)])
        return await self._stored(SecretInfo(name, found[0], change.at, change.by), row_id)

    def _keys(self) -> Keyring:
        if self._keyring is None:
            raise unavailable(
                "Secrets can't be kept: start workflow-api with SIGNALBOX_SECRETS_KEY_FILE, "
                "and the runner with the same file."
            )
        return self._keyring

    def _newest(self, envelope: SecretEnvelope) -> str:
        try:
            return open_envelope(self._keys(), envelope)[0]
        except SecretUnreadable as error:
            raise conflict("previous-unreadable", f"{error} Or send keep_previous: false.") from error

    async def _store(
        self,
        connection: AsyncConnection,
        caller: Principal,
        change: Change,
        info: SecretInfo,
        values: tuple[str, ...],
        action: str,
    ) -> int:
        tenant_id = caller.tenant_id
        envelope = seal(self._keys(), tenant_id, info.name, values, milliseconds(change.at))
        sealed = {
            "key_id": envelope.key_id,
            "nonce": envelope.nonce,
            "ciphertext": envelope.ciphertext,
            "updated_at": info.updated_at,
            "updated_by": info.updated_by,
        }
        row = insert(secrets).values(
            tenant_id=tenant_id, name=info.name, created_at=info.created_at, **sealed
        )
        await connection.execute(row.on_conflict_do_update(index_elements=["tenant_id", "name"], set_=sealed))
        await note_change(connection, caller.tenant_id, change, f"secret.{action}", info.name)
        return await self._outbox.insert_rows(connection, [_record(tenant_id, info.name, envelope)])

    async def _stored(self, info: SecretInfo, row_id: int) -> SecretStored:
        fault.at("api.after_database_commit")
        return SecretStored(info, await self._is_effective(row_id))


async def _find(
    connection: AsyncConnection, tenant_id: str, name: str
) -> tuple[datetime, SecretEnvelope] | None:
    query = select(secrets).where(_COLUMNS.tenant_id == tenant_id, _COLUMNS.name == name).with_for_update()
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    envelope = SecretEnvelope(
        tenant_id=tenant_id,
        name=name,
        key_id=row["key_id"],
        nonce=bytes(row["nonce"]),
        ciphertext=bytes(row["ciphertext"]),
        changed_at_ms=milliseconds(row["updated_at"]),
    )
    return row["created_at"], envelope


def _record(tenant_id: str, name: str, envelope: SecretEnvelope | None) -> Outbound:
    value = None if envelope is None else codec.encode(envelope)
    return Outbound(topics.SECRETS, f"{tenant_id}/{name}".encode(), value)
