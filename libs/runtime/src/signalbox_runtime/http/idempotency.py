"""`Idempotency-Key`: an unsafe call that is sent again with the same key gets the first call's answer.

The caller's `Authorization` is part of the key, so callers can't meet; and an answer is kept sealed with a
key made of both, which nobody else has: it may hold an API key, of which the database keeps only a hash.

A call that never answered (the process died) may be made again after `ABANDONED_SECONDS`; until then a
repeat is told 409.
"""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeAlias

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalbox_runtime.http.problems import Problem, conflict, unavailable

KEY_CHARACTERS_MAX: Final = 255
ABANDONED_SECONDS: Final = 60
KEPT_HOURS: Final = 24
UNSAFE_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_REPLAYED_HEADERS: Final = frozenset({b"content-type", b"etag", b"location"})


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first call was answered."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """The key is new (or abandoned): make the call."""


@dataclass(frozen=True, slots=True)
class Running:
    """The first call with the key has not answered yet."""


@dataclass(frozen=True, slots=True)
class OtherRequest:
    """The key was used for a different request."""


Claim: TypeAlias = Fresh | Running | OtherRequest | StoredAnswer


class IdempotencyStore(Protocol):
    """Where answers are remembered."""

    async def claim(self, key: bytes, fingerprint: bytes) -> Claim:
        """Reserves `key` for the request with `fingerprint`, or says what it was used for."""
        ...

    async def remember(self, key: bytes, answer: StoredAnswer | None) -> None:
        """Stores the answer; None frees the key, for answers that must not be repeated."""
        ...


def create_statements(schema: str) -> tuple[str, ...]:
    """The DDL for a migration of the service that owns `schema`."""
    return (
        f"""CREATE TABLE {schema}.idempotency_keys (
            key bytea PRIMARY KEY,
            fingerprint bytea NOT NULL,
            claimed_at timestamptz NOT NULL DEFAULT now(),
            status smallint,
            headers jsonb,
            body bytea)""",
        f"CREATE INDEX idempotency_keys_claimed_at ON {schema}.idempotency_keys (claimed_at)",
    )


class PostgresIdempotencyStore:
    """Answers in `<schema>.idempotency_keys`, kept for a day."""

    def __init__(self, engine: AsyncEngine, schema: str) -> None:
        self._engine = engine
        self._table = f"{schema}.idempotency_keys"

    async def claim(self, key: bytes, fingerprint: bytes) -> Claim:
        old = text(f"DELETE FROM {self._table} WHERE claimed_at < now() - make_interval(hours => :hours)")  # noqa: S608
        reserve = text(
            f"INSERT INTO {self._table} AS kept (key, fingerprint) VALUES (:key, :fingerprint)"  # noqa: S608
            " ON CONFLICT (key) DO UPDATE SET claimed_at = now()"
            " WHERE kept.status IS NULL AND kept.fingerprint = excluded.fingerprint"
            " AND kept.claimed_at < now() - make_interval(secs => :abandoned) RETURNING 1"
        )
        read = text(f"SELECT fingerprint, status, headers, body FROM {self._table} WHERE key = :key")  # noqa: S608
        async with self._engine.begin() as connection:
            await connection.execute(old, {"hours": KEPT_HOURS})
            values = {"key": key, "fingerprint": fingerprint, "abandoned": ABANDONED_SECONDS}
            if (await connection.execute(reserve, values)).first() is not None:
                return Fresh()
            row = (await connection.execute(read, {"key": key})).mappings().first()
        if row is None:
            return Running()
        if bytes(row["fingerprint"]) != fingerprint:
            return OtherRequest()
        if row["status"] is None:
            return Running()
        headers = tuple((name.encode(), value.encode()) for name, value in row["headers"])
        return StoredAnswer(row["status"], headers, bytes(row["body"]))

    async def remember(self, key: bytes, answer: StoredAnswer | None) -> None:
        free = text(f"DELETE FROM {self._table} WHERE key = :key")  # noqa: S608
        store = text(
            f"UPDATE {self._table} SET status = :status, headers = CAST(:headers AS jsonb), body = :body"  # noqa: S608
            " WHERE key = :key"
        )
        async with self._engine.begin() as connection:
            if answer is None:
                await connection.execute(free, {"key": key})
                return
            headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
            await connection.execute(
                store,
                {"key": key, "status": answer.status, "headers": json.dumps(headers), "body": answer.body},
            )


class Idempotency:
    """ASGI middleware for unsafe calls that carry an `Idempotency-Key`."""

    def __init__(self, app: ASGIApp, store: IdempotencyStore) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = _header(scope, b"idempotency-key") if scope["type"] == "http" else None
        if given is None or scope["method"] not in UNSAFE_METHODS:
            await self._app(scope, receive, send)
            return
        try:
            await self._call_once(given, scope, receive, send)
        except Problem as problem:
            await problem.response()(scope, receive, send)

    async def _call_once(self, given: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        if not 0 < len(given) <= KEY_CHARACTERS_MAX:
            raise Problem(
                400,
                "invalid-idempotency-key",
                "The Idempotency-Key is not usable",
                f"An Idempotency-Key has 1 to {KEY_CHARACTERS_MAX} characters; send a fresh UUID per call.",
            )
        body = await _read_body(receive)
        caller = _header(scope, b"authorization") or b""
        key = hashlib.sha256(caller + b"\0" + given).digest()
        secret = hashlib.sha256(b"answer\0" + caller + b"\0" + given).digest()
        request = b"\0".join((scope["method"].encode(), scope["raw_path"], scope["query_string"], body))
        claim = await self._claim(key, hashlib.sha256(secret + request).digest())
        match claim:
            case StoredAnswer():
                await _answer(_opened(claim, secret), send)
            case Running():
                raise conflict(
                    "still-running",
                    "The first call with this Idempotency-Key has not answered yet; ask again in a moment.",
                )
            case OtherRequest():
                raise Problem(
                    422,
                    "idempotency-key-reused",
                    "The Idempotency-Key was used for another request",
                    "This key came with another method, path or body before; send a fresh one for each call.",
                )
            case Fresh():
                await self._call(key, secret, body, scope, receive, send)

    async def _claim(self, key: bytes, fingerprint: bytes) -> Claim:
        try:
            return await self._store.claim(key, fingerprint)
        except (DBAPIError, PoolTimeout) as error:
            raise unavailable("Idempotency keys can't be looked up: PostgreSQL does not answer.") from error

    async def _call(
        self, key: bytes, secret: bytes, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        recorder = _Recorder(send)
        try:
            await self._app(scope, _replay(body, receive), recorder)
        except BaseException:
            await self._store.remember(key, None)
            raise
        answer = recorder.answer()
        await self._store.remember(key, None if answer is None else _sealed(answer, secret))


class _Recorder:
    """Passes an answer on and keeps a copy, unless a repeat might do better: 401, 403, 429 and 5xx."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 500
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple(
                (name, value) for name, value in message["headers"] if name in _REPLAYED_HEADERS
            )
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
        await self._send(message)

    def answer(self) -> StoredAnswer | None:
        if self._status in {401, 403, 429} or self._status >= 500:
            return None
        return StoredAnswer(self._status, self._headers, bytes(self._body))


_NONCE_BYTES: Final = 12


def _sealed(answer: StoredAnswer, secret: bytes) -> StoredAnswer:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # most calls come without a key

    nonce = os.urandom(_NONCE_BYTES)
    return replace(answer, body=nonce + AESGCM(secret).encrypt(nonce, answer.body, None))


def _opened(answer: StoredAnswer, secret: bytes) -> StoredAnswer:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, sealed = answer.body[:_NONCE_BYTES], answer.body[_NONCE_BYTES:]
    return replace(answer, body=AESGCM(secret).decrypt(nonce, sealed, None))


async def _read_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _answer(answer: StoredAnswer, send: Send) -> None:
    headers = [
        *answer.headers,
        (b"content-length", str(len(answer.body)).encode()),
        (b"idempotency-replayed", b"true"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)
