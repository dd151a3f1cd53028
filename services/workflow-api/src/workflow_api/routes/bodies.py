"""Bodies that may be JSON or YAML, read by the rules of `domain.documents`."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from signalbox_runtime.http.problems import Problem
from workflow_api.domain.documents import read_json, read_yaml
from workflow_api.errors import UnreadableDocument

_YAML_TYPES: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


DOCUMENT_BYTES_MAX: Final = 1_048_576
IN_THREAD_FROM_BYTES: Final = 65_536
"""Smaller bodies are read faster than a thread is woken."""


async def read_document(request: Request) -> Any:
    """The value of a workflow document. Raises a 400, 413 or 415 problem."""
    if len(await request.body()) > DOCUMENT_BYTES_MAX:
        raise Problem(
            413,
            "too-large",
            "The body is too large",
            f"A workflow document may have {DOCUMENT_BYTES_MAX:,} bytes; name mail templates instead.",
        )
    return await read_import(request)


async def read_import(request: Request) -> Any:
    """The body's value, as large as the application takes. Raises a 400 or 415 problem."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    data = await request.body()
    try:
        if media_type in _YAML_TYPES:
            return await _read(read_yaml, data)
        if media_type in {"", "application/json"} or media_type.endswith("+json"):
            return await _read(read_json, data)
    except UnreadableDocument as error:
        raise Problem(400, "unreadable-body", "The body can't be read", str(error)) from error
    raise Problem(
        415,
        "unsupported-media-type",
        "The body is of another type",
        f"Content-Type is {media_type!r}; send application/json or application/yaml.",
    )


async def _read(read: Callable[[bytes], Any], data: bytes) -> Any:
    return read(data) if len(data) < IN_THREAD_FROM_BYTES else await asyncio.to_thread(read, data)


Document = Annotated[Any, Depends(read_document)]
ImportDocument = Annotated[Any, Depends(read_import)]


def document_body(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    """`openapi_extra` for a route that takes a `Document`."""
    content = {"schema": schema}
    return {
        "requestBody": {
            "required": required,
            "content": {"application/json": content, "application/yaml": content},
        }
    }


WORKFLOW_BODY: Final = document_body({"$ref": "#/components/schemas/WorkflowDocument"})
