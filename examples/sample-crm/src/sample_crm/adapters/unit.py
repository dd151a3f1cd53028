"""One database transaction of the CRM: what it read, what it changed, and what it has to say about it.

Records are locked before they are changed; messages are written to the outbox last, as the outbox wants it.
"""

import uuid
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sample_crm.adapters.tables import NOTIFICATIONS, OUTBOX, PIPELINES, RECORDS, USERS
from sample_crm.domain.actions import Setting
from sample_crm.domain.commands import Notification
from sample_crm.domain.directory import Directory, User
from sample_crm.domain.events import Cause, event_record
from sample_crm.domain.modules import Stage
from sample_crm.domain.records import Change, Record
from signalbox_contracts.messages import CrmCommand
from signalbox_runtime.clock import Clock
from signalbox_runtime.records import Outbound

RecordKey = tuple[str, str]
"""Module and id."""


@dataclass(frozen=True, slots=True)
class Crm:
    """What outlives a transaction."""

    engine: AsyncEngine
    tenant_id: str
    clock: Clock

    @asynccontextmanager
    async def unit(self) -> AsyncIterator["Unit"]:
        """A transaction, committed at the end of the block unless it raises."""
        async with self.engine.begin() as connection:
            now = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC)
            unit = Unit(connection, self.tenant_id, Setting(await read_directory(connection), now, new_id))
            yield unit
            await unit.write()


class Unit:
    """A transaction under way. Nothing is written before `write`, so that a batch takes few round trips."""

    def __init__(self, connection: AsyncConnection, tenant_id: str, setting: Setting) -> None:
        self.connection = connection
        self.tenant_id = tenant_id
        self.setting = setting
        self._created: dict[RecordKey, Record] = {}
        self._changed: dict[RecordKey, Record] = {}
        self._notifications: list[dict[str, Any]] = []
        self._messages: list[Outbound] = []

    async def locked(self, keys: Collection[RecordKey]) -> dict[RecordKey, Record]:
        """Those that exist, locked in one order, so that no two transactions wait for each other."""
        query = (
            select(RECORDS.c.module, RECORDS.c.id, RECORDS.c.data)
            .where(tuple_(RECORDS.c.module, RECORDS.c.id).in_(sorted(set(keys))))
            .order_by(RECORDS.c.module, RECORDS.c.id)
            .with_for_update()
        )
        rows = await self.connection.execute(query)
        return {(module, record_id): data for module, record_id, data in rows}

    def save(self, changes: Iterable[Change], cause: Cause) -> None:
        """Stores changes and announces each that has a name."""
        for change in changes:
            key = (change.module.name, change.after["id"])
            if change.before is None or key in self._created:
                self._created[key] = change.after
            else:
                self._changed[key] = change.after
            event_id = new_id("evt")
            event = event_record(self.tenant_id, change, cause, event_id, self.setting.now)
            if event is not None:
                self._messages.append(event)

    def notify(self, notifications: Iterable[Notification], command: CrmCommand) -> None:
        """Puts messages into the users' inboxes."""
        self._notifications.extend(
            {
                "id": each.id,
                "user_id": each.user_id,
                "message": each.message,
                "module": command.module,
                "record_id": command.record_id,
                "workflow_id": command.workflow_id,
                "created_at": self.setting.now,
            }
            for each in notifications
        )

    def send(self, message: Outbound) -> None:
        """Sends a message when the transaction is committed."""
        self._messages.append(message)

    async def write(self) -> None:
        """Writes all of it, messages last."""
        if self._created:
            rows = [{"module": key[0], "id": key[1], "data": data} for key, data in self._created.items()]
            await self.connection.execute(insert(RECORDS), rows)
        if self._changed:
            statement = (
                update(RECORDS)
                .where(RECORDS.c.module == bindparam("of_module"), RECORDS.c.id == bindparam("of_id"))
                .values(data=bindparam("data"))
            )
            rows = [
                {"of_module": key[0], "of_id": key[1], "data": data} for key, data in self._changed.items()
            ]
            await self.connection.execute(statement, rows)
        if self._notifications:
            await self.connection.execute(insert(NOTIFICATIONS), self._notifications)
        if self._messages:
            await OUTBOX.insert_rows(self.connection, self._messages)


async def read_directory(connection: AsyncConnection) -> Directory:
    """The users and pipelines as they are now."""
    users = await connection.execute(select(USERS.c.id, USERS.c.name, USERS.c.email).order_by(USERS.c.id))
    pipelines = await connection.execute(select(PIPELINES.c.module, PIPELINES.c.stages))
    return Directory(
        users={row.id: User(row.id, row.name, row.email) for row in users},
        pipelines={
            row.module: tuple(Stage(stage["name"], stage["kind"]) for stage in row.stages)
            for row in pipelines
        },
    )


def new_id(prefix: str) -> str:
    """An id nobody has."""
    return f"{prefix}-{uuid.uuid4().hex[:16]}"
