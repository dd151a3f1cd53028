"""`GET /v1/stream`: runs as they change, as server-sent events (WHATWG HTML, "Server-sent events")."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from run_ledger.adapters.reading.changes import Changes, Everything, until_closed
from run_ledger.adapters.reading.runs_reader import RunsReader
from run_ledger.adapters.reading.summaries import Summaries
from signalbox_runtime.http.auth import Viewer

router = APIRouter(tags=["runs"])
HEARTBEAT_SECONDS: Final = 15.0
EVENT_STREAM: Final = "text/event-stream"
# An id makes a browser say that it was here before. Nothing can be read from it: changes are not kept.
_REFRESH: Final = b"event: refresh\nid: refresh\ndata: {}\n\n"
_RUN: Final = b"event: run\nid: %b\ndata: %b\n\n"


@router.get(
    "/v1/stream",
    summary="Runs as they change, for as long as the connection lasts",
    description="`event: run` has a run as in the list; `event: refresh` means that more changed than is "
    "listed, or that the caller was away: read the list again. A comment every 15 s keeps the connection.",
    response_class=StreamingResponse,
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}},
)
async def stream(
    request: Request,
    caller: Viewer,
    last_event_id: Annotated[
        str | None,
        Header(description="Sent by browsers that connect again: the answer begins with a refresh"),
    ] = None,
) -> StreamingResponse:
    reader: RunsReader = request.app.state.runs
    summaries: Summaries = request.app.state.summaries
    changes: Changes = request.app.state.changes
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _events(reader, summaries, changes, caller.tenant_id, again=last_event_id is not None),
        media_type=EVENT_STREAM,
        headers=headers,
    )


async def _events(
    reader: RunsReader, summaries: Summaries, changes: Changes, tenant_id: str, *, again: bool
) -> AsyncIterator[bytes]:
    with changes.of(tenant_id) as queue:
        yield b": connected\n\n"
        if again:  # what changed in between was told to nobody
            yield _REFRESH
        async for change in until_closed(queue, HEARTBEAT_SECONDS):
            if change is None:
                yield b": still here\n\n"
            elif isinstance(change, Everything):
                yield _REFRESH
            elif isinstance(change, list):
                for run in await summaries.of(await reader.some(tenant_id, change)):
                    yield _RUN % (run.id.encode(), msgspec.json.encode(run))
