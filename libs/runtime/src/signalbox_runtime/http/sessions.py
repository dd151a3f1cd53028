"""Sessions of the console: a cookie that stands for an API key, so that no script ever holds the key.

workflow-api makes them (`POST /v1/session`); every API accepts them. A session is kept hashed, slides by 12
hours up to 7 days, and ends with its key. A cookie comes along with whatever a page makes a browser send, so
an unsafe call by cookie also has to come from the console's own origin (W3C Fetch Metadata).
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from signalbox_runtime.http.problems import Problem

COOKIE: Final = "signalbox_session"
SESSION_BYTES: Final = 32
IDLE: Final = timedelta(hours=12)
"""A session that nobody used for so long has ended."""
LONGEST: Final = timedelta(days=7)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How often a session's last use is written at most."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def new_token() -> str:
    """A fresh token of 256 bits: a plain hash of it is enough to keep."""
    return secrets.token_urlsafe(SESSION_BYTES)


def token_hash(token: str) -> bytes:
    """What is stored of a token: SHA-256."""
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """Sessions and one-time sign-in links in schema `access`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def begin(self, key_id: str, now: datetime) -> tuple[str, datetime]:
        """A new session for a key: its token, and when it ends at the latest."""
        token = new_token()
        query = text(
            "INSERT INTO access.sessions (token_hash, key_id, created_at, seen_at)"
            " VALUES (:token_hash, :key_id, :now, :now)"
        )
        old = text("DELETE FROM access.sessions WHERE seen_at < :idle OR created_at < :longest")
        async with self._engine.begin() as connection:
            await connection.execute(old, {"idle": now - IDLE, "longest": now - LONGEST})
            await connection.execute(query, {"token_hash": token_hash(token), "key_id": key_id, "now": now})
        return token, now + LONGEST

    async def end(self, token: str) -> None:
        """Ends a session, if there is one."""
        async with self._engine.begin() as connection:
            await connection.execute(
                text("DELETE FROM access.sessions WHERE token_hash = :token_hash"),
                {"token_hash": token_hash(token)},
            )

    async def make_link(self, key_id: str, now: datetime, valid: timedelta) -> str:
        """A token that begins one session for a key, within `valid`."""
        token = new_token()
        async with self._engine.begin() as connection:
            await connection.execute(
                text("DELETE FROM access.sign_in_links WHERE expires_at < :now"), {"now": now}
            )
            await connection.execute(
                text(
                    "INSERT INTO access.sign_in_links (token_hash, key_id, expires_at)"
                    " VALUES (:token_hash, :key_id, :expires_at)"
                ),
                {"token_hash": token_hash(token), "key_id": key_id, "expires_at": now + valid},
            )
        return token

    async def redeem_link(self, token: str, now: datetime) -> str | None:
        """The id of the key that a link was made for; None for one that is used, old or unknown."""
        query = text(
            "DELETE FROM access.sign_in_links WHERE token_hash = :token_hash AND expires_at > :now"
            " RETURNING key_id::text"
        )
        async with self._engine.begin() as connection:
            key_id: str | None = (
                await connection.execute(query, {"token_hash": token_hash(token), "now": now})
            ).scalar_one_or_none()
        return key_id


def check_origin(request: Request) -> None:
    """Raises Problem 403 for an unsafe call by cookie that a foreign page may have caused."""
    if request.method in SAFE_METHODS or comes_from_itself(request.headers):
        return
    raise Problem(
        403,
        "foreign-origin",
        "The call does not come from the console",
        "A call by cookie that changes something must come from the console's own pages. Programs send a key "
        "as Authorization: Bearer <key> instead.",
    )


def comes_from_itself(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of this very origin made the call."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def utc(now_ms: int) -> datetime:
    """A clock's time as PostgreSQL takes it."""
    return datetime.fromtimestamp(now_ms / 1000, UTC)
