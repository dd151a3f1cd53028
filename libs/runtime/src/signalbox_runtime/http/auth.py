"""Who calls: API keys, kept hashed in schema `access`, which workflow-api owns and every API reads.

A route names the smallest role it takes by the type of its parameter:

    @router.post("/v1/runs/{run_id}/retry")
    async def retry(caller: Operator, run_id: str) -> ...

The application carries its `Access` in `app.state.access`. A key belongs to one tenant; handlers pass
`caller.tenant_id` to every query, so another tenant's id is simply not found.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any, Final, Protocol, TypeAlias

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_runtime.clock import Clock
from signalbox_runtime.http.problems import Problem, unauthorized, unavailable
from signalbox_runtime.http.sessions import (
    COOKIE,
    IDLE,
    LONGEST,
    SEEN_EVERY,
    check_origin,
    token_hash,
)

KEY_PREFIX: Final = "sbx_"
KEY_BYTES: Final = 32
CACHE_SECONDS: Final = 5.0
"""How long a key is believed without asking again: the longest a revoked key goes on working."""
CACHE_KEYS_MAX: Final = 10_000
LAST_USED_SECONDS: Final = 60.0
"""A key's `last_used_at` is written at most this often."""


class Role(IntEnum):
    """What a key may do; each role may do what the smaller ones may."""

    viewer = 1
    operator = 2
    editor = 3
    admin = 4


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request."""

    key_id: str
    key_name: str
    tenant_id: str
    role: Role
    email: str | None = None

    @property
    def actor(self) -> str:
        """How audit trails and facts name the caller."""
        return f"key:{self.key_name}"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as stored."""

    principal: Principal
    expires_at: datetime | None
    revoked_at: datetime | None
    requests_per_minute: int


class KeyStore(Protocol):
    """Where keys are looked up."""

    async def find(self, key_hash: bytes) -> KeyRecord | None:
        """The key with that hash."""
        ...

    async def find_of_session(self, token_hash: bytes, now: datetime) -> KeyRecord | None:
        """The key that a live session stands for; its use is noted."""
        ...

    async def find_by_id(self, key_id: str) -> KeyRecord | None:
        """The key with that id."""
        ...

    async def used(self, key_id: str, at: datetime) -> None:
        """Notes that the key was used."""
        ...


def new_key() -> str:
    """A fresh key, shown to its owner once. Its entropy (256 bits) is why a plain hash is enough to keep."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def key_hash(key: str) -> bytes:
    """What is stored of a key: SHA-256."""
    return hashlib.sha256(key.encode()).digest()


class PostgresKeyStore:
    """Keys in `access.api_keys`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, key_hash: bytes) -> KeyRecord | None:
        return await self._one("key_hash = :key_hash", key_hash=key_hash)

    async def find_by_id(self, key_id: str) -> KeyRecord | None:
        return await self._one("id = CAST(:key_id AS uuid)", key_id=key_id)

    async def find_of_session(self, token_hash: bytes, now: datetime) -> KeyRecord | None:
        found = await self._one(
            "id = (SELECT key_id FROM access.sessions WHERE token_hash = :token_hash"
            " AND seen_at > :idle AND created_at > :longest)",
            token_hash=token_hash,
            idle=now - IDLE,
            longest=now - LONGEST,
        )
        if found is not None:
            seen = text(
                "UPDATE access.sessions SET seen_at = :now"
                " WHERE token_hash = :token_hash AND seen_at < :before"
            )
            values = {"now": now, "token_hash": token_hash, "before": now - SEEN_EVERY}
            async with self._engine.begin() as connection:
                await connection.execute(seen, values)
        return found

    async def _one(self, condition: str, **values: object) -> KeyRecord | None:
        columns = "id, name, tenant_id, role, email, expires_at, revoked_at, requests_per_minute"
        query = text(f"SELECT {columns} FROM access.api_keys WHERE {condition}")  # noqa: S608, constants
        async with self._engine.connect() as connection:
            row = (await connection.execute(query, values)).mappings().first()
        return None if row is None else _record(row)

    async def used(self, key_id: str, at: datetime) -> None:
        query = text("UPDATE access.api_keys SET last_used_at = :at WHERE id = :id")
        async with self._engine.begin() as connection:
            await connection.execute(query, {"at": at, "id": key_id})


def _record(row: Mapping[Any, Any]) -> KeyRecord:
    principal = Principal(str(row["id"]), row["name"], row["tenant_id"], Role[row["role"]], row["email"])
    return KeyRecord(principal, row["expires_at"], row["revoked_at"], row["requests_per_minute"])


@dataclass(slots=True)
class _Known:
    """A key in the cache, with its allowance."""

    record: KeyRecord
    looked_up_at: float
    tokens: float
    refilled_at: float
    last_used_noted_at: float = field(default=float("-inf"))


Find: TypeAlias = Callable[[bytes], Awaitable[KeyRecord | None]]
"""The hash of a key or of a session's token → the key."""


class Access:
    """Checks keys, remembers them for a few seconds, and counts each key's requests."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[bytes, _Known] = {}

    async def authenticate(self, key: str) -> Principal:
        """The caller with that key. Raises Problem 401, 429 or 503."""
        return await self._principal(
            key_hash(key),
            self._store.find,
            "No such key. Send one made by POST /v1/api-keys as Authorization: Bearer <key>.",
        )

    async def authenticate_session(self, token: str) -> Principal:
        """The caller with that session. Raises Problem 401, 429 or 503."""

        async def find(hashed: bytes) -> KeyRecord | None:
            return await self._store.find_of_session(hashed, self._now())

        return await self._principal(
            token_hash(token), find, "The session has ended. Sign in again, or send a key."
        )

    async def principal_of_key(self, key_id: str) -> Principal:
        """The caller that a one-time link was made for. Raises Problem 401 or 503."""

        async def find(_hashed: bytes) -> KeyRecord | None:
            return await self._store.find_by_id(key_id)

        return await self._principal(key_hash(f"link:{key_id}"), find, "The link's key is gone.")

    async def _principal(self, hashed: bytes, find: Find, unknown: str) -> Principal:
        now = self._clock.monotonic_seconds()
        try:
            known = await self._look_up(hashed, now, find)
            if known is None:
                raise unauthorized(unknown)
            self._check_alive(known.record)
            self._take_token(known, now)
            if now - known.last_used_noted_at >= LAST_USED_SECONDS:
                known.last_used_noted_at = now
                await self._store.used(known.record.principal.key_id, self._now())
        except ProgrammingError as error:
            raise unavailable(
                "Keys are not set up yet: schema access is made when workflow-api starts."
            ) from error
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise unavailable(
                "Keys can't be checked: PostgreSQL does not answer. Try again shortly."
            ) from error
        except DBAPIError as error:
            raise unavailable("Keys can't be checked: PostgreSQL refused. Try again shortly.") from error
        return known.record.principal

    def forget(self) -> None:
        """Empties the cache: a change of keys counts at once in this process."""
        self._known.clear()

    async def _look_up(self, hashed: bytes, now: float, find: Find) -> _Known | None:
        known = self._known.get(hashed)
        if known is not None and now - known.looked_up_at < CACHE_SECONDS:
            return known
        record = await find(hashed)
        if record is None:
            self._known.pop(hashed, None)
            return None
        if known is None:
            if len(self._known) >= CACHE_KEYS_MAX:
                self._known.clear()
            known = _Known(record, now, float(record.requests_per_minute), now)
            self._known[hashed] = known
        known.record, known.looked_up_at = record, now
        return known

    def _check_alive(self, record: KeyRecord) -> None:
        if record.revoked_at is not None:
            raise unauthorized("This key was revoked. An admin can make a new one by POST /v1/api-keys.")
        if record.expires_at is not None and record.expires_at <= self._now():
            raise unauthorized("This key has expired. An admin can make a new one by POST /v1/api-keys.")

    def _take_token(self, known: _Known, now: float) -> None:
        per_minute = known.record.requests_per_minute
        refill = (now - known.refilled_at) * per_minute / 60
        known.tokens = min(float(per_minute), known.tokens + refill)
        known.refilled_at = now
        if known.tokens < 1:
            wait_seconds = max(1, round((1 - known.tokens) * 60 / per_minute))
            raise Problem(
                429,
                "too-many-requests",
                "Too many requests",
                f"This key may make {per_minute} requests a minute. Try again in {wait_seconds} s.",
                headers={"Retry-After": str(wait_seconds)},
            )
        known.tokens -= 1

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)


_bearer = HTTPBearer(
    auto_error=False, description="A key made by POST /v1/api-keys; each belongs to one tenant."
)


async def authenticated(
    request: Request,
    scopes: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """The caller, if its role is at least the one in `scopes`. Raises Problem 401, 403, 429 or 503."""
    access: Access = request.app.state.access
    session = request.cookies.get(COOKIE)
    if credentials is not None and credentials.credentials:
        principal = await access.authenticate(credentials.credentials)
    elif session:
        check_origin(request)
        principal = await access.authenticate_session(session)
    else:
        raise unauthorized("Send a key as Authorization: Bearer <key>, or sign in to the console.")
    needed = max(Role[scope] for scope in scopes.scopes)
    if principal.role < needed:
        raise Problem(
            403,
            "forbidden",
            "The key's role is too small",
            f"This needs the role {needed.name}; the key {principal.key_name!r} has {principal.role.name}. "
            "Use a key with that role; an admin makes one by POST /v1/api-keys.",
        )
    request.state.principal = principal
    return principal


Viewer = Annotated[Principal, Security(authenticated, scopes=["viewer"])]
Operator = Annotated[Principal, Security(authenticated, scopes=["operator"])]
Editor = Annotated[Principal, Security(authenticated, scopes=["editor"])]
Admin = Annotated[Principal, Security(authenticated, scopes=["admin"])]
