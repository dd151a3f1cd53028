"""Errors over HTTP as RFC 9457 `application/problem+json`.

Code raises `Problem`; `http.py` turns it, and everything else that can go wrong, into an answer. `type` is a
stable path under `/problems/`, `detail` says what was wrong and what to do, `errors` point into the body.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "/problems/"


class ProblemPlace(BaseModel):
    """One thing that is wrong, and where."""

    pointer: str = Field(
        description="JSON pointer into the body, or /query/<name>, /path/<name>, /header/<name>"
    )
    detail: str = Field(description="What is wrong there and what is allowed")


class ProblemDetails(BaseModel):
    """An error, RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable name of the kind of problem")
    title: str
    status: int
    detail: str = Field(description="What was wrong and what to do")
    errors: list[ProblemPlace] = Field(default_factory=list)


class Problem(Exception):
    """An answer that is an error. `slug` is the last part of its type, e.g. `not-found`."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str,
        *,
        errors: Sequence[ProblemPlace] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def body(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": [place.model_dump() for place in self.errors],
            **self.more,
        }

    def response(self) -> JSONResponse:
        """The HTTP answer."""
        return JSONResponse(self.body(), self.status, self.headers, MEDIA_TYPE)


def not_found(what: str, identifier: str) -> Problem:
    """404, the same for what does not exist and for what belongs to another tenant."""
    return Problem(
        404,
        "not-found",
        "Not found",
        f"There is no {what} {identifier!r} here; list what exists, and check the tenant of your key.",
    )


def unauthorized(detail: str) -> Problem:
    """401."""
    return Problem(
        401, "unauthorized", "A valid key is needed", detail, headers={"WWW-Authenticate": "Bearer"}
    )


def unavailable(detail: str, retry_after_seconds: int = 5) -> Problem:
    """503: something that this service needs is away; the same request works later."""
    return Problem(
        503,
        "unavailable",
        "Not available at the moment",
        detail,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def conflict(slug: str, detail: str) -> Problem:
    """409: the request is right, what it meets is not in the state for it."""
    return Problem(409, slug, "Not possible in the present state", detail)


def invalid(slug: str, detail: str, errors: Sequence[ProblemPlace] = ()) -> Problem:
    """422: the content is wrong; `errors` point at the places."""
    return Problem(422, slug, "The content is not valid", detail, errors=errors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says about answers that are problems."""
    return {
        status: {
            "description": _DESCRIPTIONS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        for status in statuses
    }


_DESCRIPTIONS: Final = {
    400: "The request can't be read",
    401: "No key, or one that is not valid (any more)",
    403: "The key's role is too small",
    404: "Not found, or another tenant's",
    405: "The path has no such method",
    409: "Not possible in the present state",
    412: "Somebody else changed it in the meantime",
    413: "The body is too large",
    415: "The body is of another type than the ones this path reads",
    422: "The content is not valid",
    428: "If-Match is missing",
    429: "Too many requests with this key",
    500: "A defect of the service",
    502: "Another service gave an answer that can't be used",
    503: "Something that the service needs is away",
}
