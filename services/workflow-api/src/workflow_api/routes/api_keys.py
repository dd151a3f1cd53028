"""API keys."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from signalbox_runtime.http.auth import Admin
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import documented
from workflow_api.api_keys import KeyWanted
from workflow_api.moments import Moment
from workflow_api.routes.access import Using
from workflow_api.texts import EmailAddress, Line

router = APIRouter(tags=["API keys"])

REQUESTS_PER_MINUTE_DEFAULT = 6_000
REQUESTS_PER_MINUTE_MAX = 1_000_000
RoleName = Literal["viewer", "operator", "editor", "admin"]


class ApiKeyIn(BaseModel):
    """What a key is called and may do."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(description="Whose it is; the audit trail shows it")
    role: RoleName
    email: EmailAddress | None = Field(default=None, description="Where test mails to oneself go")
    expires_at: Moment | None = Field(default=None, description="With a time zone; unset, it does not expire")
    requests_per_minute: Annotated[int, Field(ge=1, le=REQUESTS_PER_MINUTE_MAX)] = REQUESTS_PER_MINUTE_DEFAULT


class ApiKeyOut(BaseModel):
    """A key, without the key itself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    role: RoleName
    email: str | None
    requests_per_minute: int
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute")


class ApiKeyCreated(ApiKeyOut):
    """A new key."""

    key: str = Field(description="The key itself: shown now and never again")


@router.get("/v1/api-keys", summary="Keys, oldest first")
async def list_api_keys(
    caller: Admin, using: Using, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[ApiKeyOut]:
    place = decode_cursor(cursor, datetime, UUID)
    found = await using.api_keys.list(caller.tenant_id, place, limit + 1)
    items = [ApiKeyOut.model_validate(each) for each in found[:limit]]
    last = items[-1] if len(found) > limit else None
    return Page(items=items, next=encode_cursor(last.created_at, last.id) if last else None)


@router.post("/v1/api-keys", status_code=201, summary="Make a key; it is shown once")
async def create_api_key(caller: Admin, using: Using, body: ApiKeyIn) -> ApiKeyCreated:
    info, key = await using.api_keys.create(caller, _wanted(body))
    return ApiKeyCreated(**ApiKeyOut.model_validate(info).model_dump(), key=key)


@router.get("/v1/api-keys/{key_id}", summary="A key", responses=documented(404))
async def read_api_key(caller: Admin, using: Using, key_id: UUID) -> ApiKeyOut:
    return ApiKeyOut.model_validate(await using.api_keys.read(caller.tenant_id, str(key_id)))


@router.put("/v1/api-keys/{key_id}", summary="Change what a key may do", responses=documented(404, 409))
async def change_api_key(caller: Admin, using: Using, key_id: UUID, body: ApiKeyIn) -> ApiKeyOut:
    return ApiKeyOut.model_validate(await using.api_keys.change(caller, str(key_id), _wanted(body)))


@router.delete("/v1/api-keys/{key_id}", summary="Revoke a key", responses=documented(404, 409))
async def revoke_api_key(caller: Admin, using: Using, key_id: UUID) -> ApiKeyOut:
    return ApiKeyOut.model_validate(await using.api_keys.revoke(caller, str(key_id)))


def _wanted(body: ApiKeyIn) -> KeyWanted:
    return KeyWanted(body.name, body.role, body.email, body.expires_at, body.requests_per_minute)
