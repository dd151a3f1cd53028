"""Lists: `{"items": […], "next": "<opaque cursor>" | null}`, with `limit` and `cursor`."""

import base64
import binascii
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from signalbox_runtime.http.problems import ProblemPlace, invalid

LIMIT_DEFAULT = 50
LIMIT_MAX = 500

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many items at most")]
Cursor = Annotated[
    str | None, Query(max_length=2_000, description="The `next` of the page before; opaque, don't build one")
]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(
        default=None, description="Send it as `cursor` for the page after this; null at the end"
    )


def encode_cursor(*place: Any) -> str:
    """An opaque cursor for the last item of a page: what it is sorted by, and its id."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: type) -> tuple[Any, ...] | None:
    """What `encode_cursor` was given, as `types`; None for the first page. Raises Problem 422."""
    if cursor is None:
        return None
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = msgspec.json.decode(data, type=list[Any])
        if len(place) != len(types):
            raise ValueError(cursor)
        return tuple(msgspec.convert(value, wanted) for value, wanted in zip(place, types, strict=True))
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise invalid(
            "invalid-cursor",
            "This cursor is not one of this list and order; begin without one.",
            [
                ProblemPlace(
                    pointer="/query/cursor", detail="must be the `next` of a page of the same list and filter"
                )
            ],
        ) from error
