"""`GET /v1/runs` and `GET /v1/runs/{id}`."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from run_ledger.adapters.reading.run_query import Filter
from run_ledger.adapters.reading.runs_reader import COUNTED_MAX, RunsReader
from run_ledger.adapters.reading.summaries import Summaries
from run_ledger.domain import story
from run_ledger.domain.views import RunView
from run_ledger.routes import shapes
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import documented, not_found

router = APIRouter(tags=["runs"])


@router.get(
    "/v1/runs",
    summary="Runs, newest first",
    response_model=Page[shapes.RunSummary],
)
async def list_runs(
    request: Request, caller: Viewer, wanted: Filter, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Response:
    reader: RunsReader = request.app.state.runs
    after = decode_cursor(cursor, int, UUID)
    runs = await reader.page(
        caller.tenant_id, wanted, limit + 1, None if after is None else (after[0], str(after[1]))
    )
    page, more = runs[:limit], len(runs) > limit
    following = encode_cursor(page[-1].started_at_ms, page[-1].run_id) if more else None
    summaries: Summaries = request.app.state.summaries
    return shapes.answer({"items": await summaries.of(page), "next": following})


@router.get("/v1/runs/counts", summary="How many runs match, by status", response_model=shapes.RunCounts)
async def count_runs(request: Request, caller: Viewer, wanted: Filter) -> Response:
    reader: RunsReader = request.app.state.runs
    counts = await reader.counts(caller.tenant_id, wanted)
    capped = any(count >= COUNTED_MAX for count in counts.values())
    return shapes.answer({"by_status": counts, "capped": capped})


@router.get(
    "/v1/runs/{run_id}",
    summary="One run with its whole story",
    response_model=shapes.Run,
    responses=documented(404),
)
async def show_run(request: Request, caller: Viewer, run_id: str) -> Response:
    return shapes.answer(await whole_story(request, caller.tenant_id, run_id))


async def whole_story(request: Request, tenant_id: str, run_id: str) -> RunView:
    """The run of that id. Raises Problem 404."""
    reader: RunsReader = request.app.state.runs
    clock: Clock = request.app.state.clock
    found = await reader.story(tenant_id, run_id)
    if found is None:
        raise not_found("run", run_id)
    return story.story(
        found.run,
        found.attempts,
        verdict=found.verdict,
        event=found.event,
        late=found.late,
        caused=found.caused,
        now_ms=clock.now_ms(),
    )
