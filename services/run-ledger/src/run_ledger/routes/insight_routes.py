"""Timeline, statistics and export."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from run_ledger.adapters.reading.run_query import Filter, Module, time_ms
from run_ledger.adapters.reading.runs_reader import RunFilter, RunsReader
from run_ledger.adapters.reading.stats import BUCKETS_MAX, BUCKETS_MS, Stats
from run_ledger.adapters.reading.timeline import Timeline
from run_ledger.domain import story
from run_ledger.domain.records import RunRecord
from run_ledger.routes import shapes
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import ProblemPlace, invalid

router = APIRouter(tags=["insight"])
EXPORT_PAGE: Final = 500
DAY_MS: Final = 86_400_000
NDJSON: Final = "application/x-ndjson"


@router.get(
    "/v1/runs/export",
    summary="All runs that match, one JSON object a line, streamed newest first",
    response_class=StreamingResponse,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
)
async def export_runs(request: Request, caller: Viewer, wanted: Filter) -> StreamingResponse:
    reader: RunsReader = request.app.state.runs
    first = await reader.page(caller.tenant_id, wanted, EXPORT_PAGE, None)  # a refusal is answered
    return StreamingResponse(_lines(reader, caller.tenant_id, wanted, first), media_type=NDJSON)


async def _lines(
    reader: RunsReader, tenant_id: str, wanted: RunFilter, runs: Sequence[RunRecord]
) -> AsyncIterator[bytes]:
    while runs:
        yield b"".join(msgspec.json.encode(story.summary(run)) + b"\n" for run in runs)
        after = (runs[-1].started_at_ms, runs[-1].run_id)
        runs = await reader.page(tenant_id, wanted, EXPORT_PAGE, after)


@router.get(
    "/v1/records/{module}/{record_id:path}/timeline",
    summary="A record's events, newest first, with every workflow that judged them",
    response_model=Page[shapes.TimelineEvent],
)
async def timeline(
    request: Request,
    caller: Viewer,
    module: Module,
    record_id: str,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    reader: Timeline = request.app.state.timeline
    place = decode_cursor(cursor, int, str)
    before = None if place is None else (place[0], place[1])
    events, following = await reader.page(caller.tenant_id, module, record_id, limit, before)
    return shapes.answer({"items": events, "next": encode_cursor(*following) if following else None})


@router.get("/v1/stats", summary="Counts by status and durations over time", response_model=shapes.Stats)
async def stats(
    request: Request,
    caller: Viewer,
    workflow_id: Annotated[str | None, Query(max_length=200)] = None,
    from_: Annotated[datetime | None, Query(alias="from", description="Default: a day before `to`")] = None,
    to: Annotated[datetime | None, Query(description="Default: now")] = None,
    bucket: Literal["5m", "1h", "1d"] = "1h",
) -> Response:
    clock: Clock = request.app.state.clock
    reader: Stats = request.app.state.stats
    to_ms = time_ms(to) or clock.now_ms()
    begin = time_ms(from_)
    from_ms = to_ms - DAY_MS if begin is None else begin
    bucket_ms = BUCKETS_MS[bucket]
    if (to_ms - from_ms) / bucket_ms > BUCKETS_MAX:
        detail = f"at most {BUCKETS_MAX} buckets are answered; ask for larger ones or a shorter time"
        raise invalid(
            "too-many-buckets",
            "The time asked for has too many buckets.",
            [ProblemPlace(pointer="/query/bucket", detail=detail)],
        )
    points = await reader.series(caller.tenant_id, workflow_id, from_ms, to_ms, bucket_ms)
    return shapes.answer({"bucket": bucket, "items": points})
