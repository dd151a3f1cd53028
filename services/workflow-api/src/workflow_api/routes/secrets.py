"""Secrets: stored, changed and deleted, never read."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from signalbox_runtime.http.auth import Admin
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import ProblemPlace, documented, invalid
from workflow_api.domain.documents import unstorable_texts
from workflow_api.routes.access import Using
from workflow_api.stored_secrets import SecretStored
from workflow_api.texts import Name

router = APIRouter(tags=["secrets"])
NamePath = Annotated[Name, Path(description="The secret's name")]
VALUE_CHARACTERS_MAX = 8_192


class SecretIn(BaseModel):
    """A new secret."""

    model_config = ConfigDict(extra="forbid")

    name: Name = Field(description="What workflows name it by")
    value: Annotated[SecretStr, Field(min_length=1, max_length=VALUE_CHARACTERS_MAX)]


class SecretChange(BaseModel):
    """A new value."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[SecretStr, Field(min_length=1, max_length=VALUE_CHARACTERS_MAX)]
    keep_previous: bool = Field(
        default=False, description="Webhooks carry signatures of the former value too, until the next change"
    )


class SecretOut(BaseModel):
    """What may be known of a secret."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    created_at: datetime
    updated_at: datetime
    updated_by: str


class SecretEffect(SecretOut):
    """A secret after it was stored or deleted."""

    effective: bool = Field(description="Whether actions use it so from now on")


LATER: dict[int | str, dict[str, Any]] = {
    202: {"model": SecretEffect, "description": "Stored, but Kafka has not confirmed it yet"}
}


@router.get("/v1/secrets", summary="Names of secrets, never their values")
async def list_secrets(
    caller: Admin, using: Using, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[SecretOut]:
    place = decode_cursor(cursor, str)
    found = await using.secrets.list(caller.tenant_id, place[0] if place else None, limit + 1)
    items = [SecretOut.model_validate(each) for each in found[:limit]]
    return Page(items=items, next=encode_cursor(items[-1].name) if len(found) > limit else None)


@router.post("/v1/secrets", status_code=201, summary="Store a secret", responses={**LATER, **documented(409)})
async def create_secret(caller: Admin, using: Using, response: Response, body: SecretIn) -> SecretEffect:
    return _effect(response, await using.secrets.create(caller, body.name, _value(body.value)), 201)


@router.put("/v1/secrets/{name}", summary="Change a secret", responses={**LATER, **documented(404, 409)})
async def change_secret(
    caller: Admin, using: Using, response: Response, name: NamePath, body: SecretChange
) -> SecretEffect:
    stored = await using.secrets.change(caller, name, _value(body.value), keep_previous=body.keep_previous)
    return _effect(response, stored, 200)


@router.delete(
    "/v1/secrets/{name}",
    summary="Delete a secret; actions that name it fail from then on",
    responses={**LATER, **documented(404)},
)
async def delete_secret(caller: Admin, using: Using, response: Response, name: NamePath) -> SecretEffect:
    return _effect(response, await using.secrets.delete(caller, name), 200)


def _value(given: SecretStr) -> str:
    value = given.get_secret_value()
    if unstorable_texts(value):
        place = ProblemPlace(pointer="/value", detail="must be valid Unicode without U+0000")
        raise invalid("invalid-request", "The value can't be kept.", [place])
    return value


def _effect(response: Response, stored: SecretStored, status: int) -> SecretEffect:
    response.status_code = status if stored.effective else 202
    info = SecretOut.model_validate(stored.info)
    return SecretEffect(**info.model_dump(), effective=stored.effective)
