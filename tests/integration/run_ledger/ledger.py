"""The ledger's API over a history that a test tells, without a process and without Kafka."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.reading.changes import Changes
from run_ledger.adapters.reading.stuck import StuckRuns
from run_ledger.routes import api
from signalbox_contracts import codec
from signalbox_contracts.messages import JournalFact, Message
from signalbox_runtime.clock import ManualClock
from signalbox_runtime.database import create_engine
from signalbox_runtime.http.auth import KeyRecord, Principal, Role, key_hash
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.process.readiness import Readiness
from tests.integration.run_ledger import journal
from tests.unit.run_ledger import facts

AUDIT = """CREATE SCHEMA IF NOT EXISTS access; CREATE TABLE IF NOT EXISTS access.audit (
    tenant_id text, at timestamptz, actor text, action text, object_type text, object_id text,
    before json, after json)"""


class Keys:
    """`<tenant>:<role>` is a key."""

    async def find(self, key_hash: bytes) -> KeyRecord | None:
        return KEYS.get(key_hash)

    async def find_of_session(self, token_hash: bytes, now: datetime) -> KeyRecord | None:
        return None

    async def find_by_id(self, key_id: str) -> KeyRecord | None:
        return None

    async def used(self, key_id: str, at: datetime) -> None:
        pass


KEYS = {
    key_hash(f"{tenant}:{role.name}"): KeyRecord(
        Principal(f"{tenant}-{role.name}", role.name, tenant, role), None, None, 1_000_000
    )
    for tenant in ("demo", "other")
    for role in Role
}


class ReadPastOrNot:
    """Answers what the test says."""

    answer = True

    async def read_past(self, deadline_ms: int) -> bool:
        return self.answer


class Behind:
    """Only the runner is behind."""

    async def behind(self) -> dict[str, int]:
        return {"action-runner": 7, "delay-relay": 0}


class Ledger:
    """A client of the API, and the way facts come in."""

    def __init__(
        self,
        database_url: str,
        engine: AsyncEngine,
        app: FastAPI,
        clock: ManualClock,
        read_past: ReadPastOrNot,
    ) -> None:
        self.database_url = database_url
        self.engine = engine
        self.app = app
        self.clock = clock
        self.read_past = read_past
        self._offset = 0
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://ledger")

    def tell(self, messages: Sequence[JournalFact]) -> None:
        with journal.store_of(self.database_url) as store:
            store.store(store.prepare(journal.inbound(messages, self._offset)))
        self._offset += len(messages)

    async def get(self, path: str, key: str = "demo:viewer", **query: Any) -> httpx.Response:
        return await self.client.get(path, params=query, headers={"Authorization": f"Bearer {key}"})

    async def post(
        self, path: str, body: Any = None, key: str = "demo:operator", **headers: str
    ) -> httpx.Response:
        return await self.client.post(path, json=body, headers={"Authorization": f"Bearer {key}", **headers})

    async def sent(self) -> list[tuple[str, bytes, Message]]:
        """What lies in the outbox: topic, key, message."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(text("SELECT topic, key, value FROM ledger.outbox ORDER BY id"))
        return [(row[0], bytes(row[1]), codec.decode_any(bytes(row[2]))) for row in rows]


@asynccontextmanager
async def open_ledger(database_url: str, now_ms: int = facts.T0 + 1_000) -> AsyncIterator[Ledger]:
    """An empty history and its API."""
    journal.make_history(database_url)
    engine = create_engine(database_url, pool_size=3)
    async with engine.begin() as connection:
        for statement in AUDIT.split(";"):
            await connection.execute(text(statement))
        await connection.execute(text("TRUNCATE ledger.outbox, access.audit"))
    clock = ManualClock(now_ms)

    def no_log() -> Any:
        raise AssertionError("this relay is never started")

    relay = OutboxRelay("run-ledger", "ledger", database_url, no_log)
    read_past = ReadPastOrNot()
    changes = Changes(database_url)
    stuck = StuckRuns(engine, Behind(), clock)
    app = api.create(engine, relay, clock, Readiness(), Keys(), read_past, changes, stuck)
    ledger = Ledger(database_url, engine, app, clock, read_past)
    try:
        yield ledger
    finally:
        await ledger.client.aclose()
        await engine.dispose()
