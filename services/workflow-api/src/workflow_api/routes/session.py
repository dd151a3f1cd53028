"""Signing in to the console: a key, or a one-time link, becomes a cookie that no script can read."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from signalbox_runtime.http.auth import Access, Principal, Viewer
from signalbox_runtime.http.problems import Problem, documented, unauthorized
from signalbox_runtime.http.sessions import COOKIE, LONGEST, check_origin, utc
from workflow_api.routes.access import Using

router = APIRouter(tags=["session"])
MonotonicSeconds: TypeAlias = Callable[[], float]
WINDOW_SECONDS: Final = 60
TRIES_A_MINUTE: Final = 10
"""Of one address: a key has 256 bits, so more tries only cost."""
LINK_VALID: Final = timedelta(minutes=15)


class SessionIn(BaseModel):
    """One of `key` and `token`."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    token: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Of a one-time link"
    )

    @model_validator(mode="after")
    def _names_one(self) -> "SessionIn":
        if (self.key is None) == (self.token is None):
            raise ValueError("give key or token, one of them")
        return self


class SessionOut(BaseModel):
    """Who is signed in."""

    name: str
    role: str
    tenant_id: str
    email: str | None


class SignInLinkOut(BaseModel):
    """A link that signs its reader in, once."""

    token: str = Field(description="Shown once. The console takes it at /signin?token=…")
    expires_in_seconds: int


@router.post(
    "/v1/session", status_code=201, summary="Sign in: sets a cookie", responses=documented(401, 403, 429)
)
async def sign_in(request: Request, using: Using, response: Response, body: SessionIn) -> SessionOut:
    check_origin(request)
    address = request.client.host if request.client else ""
    using.sign_ins.check(address)
    now = utc(using.clock.now_ms())
    try:
        principal = await _signed_in(using, body, now)
    except Problem:
        using.sign_ins.failed(address)
        raise
    token, _ = await using.sessions.begin(principal.key_id, now)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LONGEST.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return _shown(principal)


@router.get("/v1/session", summary="Who is signed in")
async def read_session(caller: Viewer) -> SessionOut:
    return _shown(caller)


@router.delete("/v1/session", status_code=204, summary="Sign out", responses=documented(403))
async def sign_out(request: Request, using: Using) -> Response:
    check_origin(request)
    token = request.cookies.get(COOKIE)
    if token:
        await using.sessions.end(token)
        using.access.forget()
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@router.post(
    "/v1/sign-in-links", status_code=201, summary="A one-time link for the console, with the caller's rights"
)
async def make_sign_in_link(caller: Viewer, using: Using) -> SignInLinkOut:
    now = utc(using.clock.now_ms())
    token = await using.sessions.make_link(caller.key_id, now, LINK_VALID)
    return SignInLinkOut(token=token, expires_in_seconds=int(LINK_VALID.total_seconds()))


async def _signed_in(using: Using, body: SessionIn, now: datetime) -> Principal:
    access: Access = using.access
    if body.key is not None:
        return await access.authenticate(body.key.strip())
    key_id = await using.sessions.redeem_link(body.token or "", now)
    if key_id is None:
        raise unauthorized("This link was used already, or is too old. Ask for a new one, or use a key.")
    return await access.principal_of_key(key_id)


def _shown(principal: Principal) -> SessionOut:
    return SessionOut(
        name=principal.key_name,
        role=principal.role.name,
        tenant_id=principal.tenant_id,
        email=principal.email,
    )


class SignIns:
    """Counts tries to sign in that failed, by address."""

    def __init__(self, monotonic_seconds: MonotonicSeconds) -> None:
        self._now = monotonic_seconds
        self._tries: dict[str, list[float]] = {}

    def failed(self, address: str) -> None:
        """Notes a try that failed."""
        now = self._now()
        for known in [each for each, tries in self._tries.items() if now - tries[-1] > WINDOW_SECONDS]:
            del self._tries[known]
        self._tries[address] = [*self._recent(address, now), now]

    def check(self, address: str) -> None:
        """Raises Problem 429 for too many within a minute."""
        if len(self._recent(address, self._now())) >= TRIES_A_MINUTE:
            raise Problem(
                429,
                "too-many-requests",
                "Too many tries",
                f"{TRIES_A_MINUTE} tries to sign in a minute are allowed. Try again in a minute.",
                headers={"Retry-After": "60"},
            )

    def _recent(self, address: str, now: float) -> list[float]:
        return [each for each in self._tries.get(address, []) if now - each <= WINDOW_SECONDS]
