"""The FastAPI application that Signalbox's APIs share: problems for every error, limits, probes, OpenAPI."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from signalbox_contracts.definitions.problems import detail_of, pointer_of
from signalbox_runtime.http.auth import Access
from signalbox_runtime.http.idempotency import (
    KEY_CHARACTERS_MAX,
    UNSAFE_METHODS,
    Idempotency,
    IdempotencyStore,
)
from signalbox_runtime.http.limits import BodyLimit, ReadyGate
from signalbox_runtime.http.metrics import RequestMetrics
from signalbox_runtime.http.problems import (
    Problem,
    ProblemDetails,
    ProblemPlace,
    documented,
    invalid,
    unavailable,
)
from signalbox_runtime.process.readiness import DATABASE_CONDITION, Readiness

BODY_BYTES_MAX: Final = 2_097_152
"""Largest request body; larger than any workflow document (1 MiB) or import page needs."""

_log = structlog.get_logger("http")
_SECURED: Final = (401, 403, 429, 503)


def create_app(
    *,
    title: str,
    description: str,
    routers: Iterable[APIRouter],
    access: Access | None,
    readiness: Readiness,
    idempotency: IdempotencyStore | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
    schemas: Mapping[str, Any] | None = None,
) -> FastAPI:
    """An application with `routers`, whose every error is an `application/problem+json`.

    `access` is who may call what; None where no route asks for a role. `schemas` are components that
    OpenAPI has besides those of the routes' models.
    """
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.access = access
    app.state.readiness = readiness
    for router in (probes, *routers):
        app.include_router(router)
    _add_error_handlers(app)
    if idempotency is not None:
        app.add_middleware(Idempotency, store=idempotency)
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max)
    app.add_middleware(ReadyGate, readiness=readiness, condition=DATABASE_CONDITION)
    app.add_middleware(RequestMetrics)
    app.state.schemas = dict(schemas or {})
    app.state.takes_idempotency_keys = idempotency is not None
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    return app


probes = APIRouter(tags=["probes"])


@probes.get("/healthz", summary="Whether the process is alive")
async def healthz() -> dict[str, bool]:
    return {"alive": True}


@probes.get(
    "/readyz", summary="Whether it can work now, and if not, why", responses={503: {"description": "Not yet"}}
)
async def readyz(request: Request) -> Response:
    reasons = request.app.state.readiness.reasons()
    return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)


def _add_error_handlers(app: FastAPI) -> None:
    async def problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return _of_http_exception(request, error).response()

    async def validation(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return invalid(
            "invalid-request",
            "The request does not have the form that /openapi.json describes; see errors.",
            _places(error),
        ).response()

    async def database_away(_request: Request, error: Exception) -> Response:
        _log.warning("database away", error=str(error))
        return unavailable("PostgreSQL does not answer. Try again shortly.").response()

    async def unstorable(_request: Request, _error: Exception) -> Response:
        return invalid(
            "unstorable-value",
            "A value can't be kept or compared: texts must be valid Unicode without the character U+0000, "
            "numbers and times must lie in PostgreSQL's range.",
        ).response()

    async def defect(request: Request, error: Exception) -> Response:
        _log.error("defect", path=request.url.path, method=request.method, exc_info=error)
        return Problem(
            500,
            "defect",
            "A defect of the service",
            "This should not happen; the log of the service has the details. Trying again may help.",
        ).response()

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(HTTPException, http_exception)
    app.add_exception_handler(RequestValidationError, validation)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(away, database_away)
    for bad in (DataError, UnicodeEncodeError):
        app.add_exception_handler(bad, unstorable)
    app.add_exception_handler(Exception, defect)


def _of_http_exception(request: Request, error: HTTPException) -> Problem:
    if isinstance(error.__cause__, Problem):  # raised while FastAPI read the body
        return error.__cause__
    path = request.url.path
    match error.status_code:
        case 404:
            return Problem(
                404, "no-such-path", "No such path", f"There is nothing at {path}; see /openapi.json."
            )
        case 405:
            return Problem(
                405,
                "method-not-allowed",
                "Method not allowed",
                f"{path} has no {request.method}; see Allow and /openapi.json.",
                headers=error.headers,
            )
        case 400:
            return Problem(
                400,
                "unreadable-body",
                "The body can't be read",
                "Send JSON in UTF-8, nested less than 1,000 deep, with numbers of at most 4,300 digits.",
            )
        case status:
            return Problem(status, "http-error", "Error", str(error.detail), headers=error.headers)


def _places(error: RequestValidationError) -> list[ProblemPlace]:
    return [
        ProblemPlace(pointer=pointer_of(_path(each, error.body)), detail=_detail(each))
        for each in error.errors()
    ]


def _path(error: Any, body: Any) -> Iterable[str | int]:
    """Where it is in the request; of a body only what is there, without pydantic's branches of a union."""
    first, *rest = error["loc"]
    if first != "body":
        return [first, *rest]
    path: list[str | int] = []
    for part in rest:
        match body:
            case dict() if part in body:
                body = body[part]
            case list() if isinstance(part, int) and part < len(body):
                body = body[part]
            case _ if error["type"] != "missing" or part != rest[-1]:
                continue
        path.append(part)
    return path


def _detail(error: Any) -> str:
    if error["type"] == "json_invalid":
        return f"is not JSON: {error['ctx']['error']}"
    return detail_of(error)


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1 with every answer documented, also those that each route has in common."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    details = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(details.pop("$defs", {}))
    schemas["ProblemDetails"] = details
    taken = sorted(schemas.keys() & app.state.schemas.keys())
    if taken:
        raise ValueError(f"Two schemas are called {', '.join(taken)}; rename the model of the route.")
    schemas.update(app.state.schemas)
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if method.upper() in UNSAFE_METHODS and app.state.takes_idempotency_keys:
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
                operation["responses"] |= {
                    str(status): answer for status, answer in documented(400, 409, 422).items()
                }
            _document_answers(operation)
    app.openapi_schema = document
    return document


_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A fresh one per call; the call sent again with it gets the first answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS_MAX},
}


def _document_answers(operation: dict[str, Any]) -> None:
    common: set[int] = {422} if "422" in operation["responses"] else set()
    if "security" in operation:
        common |= set(_SECURED)
    if "requestBody" in operation:
        common |= {400, 409, 413, 422}
    operation["responses"].pop("422", None) if 422 in common else None
    for status, answer in documented(*sorted(common)).items():
        operation["responses"].setdefault(str(status), answer)
