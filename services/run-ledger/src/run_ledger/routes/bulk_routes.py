"""Bulk retries over HTTP."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from run_ledger.adapters.reading.run_query import time_ms
from run_ledger.adapters.reading.runs_reader import RunFilter
from run_ledger.adapters.requests.bulk_retries import PER_SECOND_MAX, RUNS_MAX, BulkRetries
from run_ledger.domain.retry import Mode
from run_ledger.routes import shapes
from signalbox_runtime.http.auth import Operator, Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Limit
from signalbox_runtime.http.problems import documented, not_found

router = APIRouter(tags=["bulk retries"])


class BulkFilter(BaseModel):
    """Which failed runs; what is left out does not narrow."""

    model_config = ConfigDict(extra="forbid")

    workflow_id: str | None = None
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    module: str | None = None
    record_id: str | None = None
    from_: datetime | None = Field(default=None, alias="from", description="Started at or after")
    to: datetime | None = Field(default=None, description="Started before")
    text: str | None = Field(default=None, min_length=1, max_length=500, description="Part of the error")

    def as_filter(self) -> RunFilter:
        """The filter that lists use."""
        return RunFilter(
            workflow_id=self.workflow_id,
            version=self.version,
            statuses=("failed",),
            module=self.module,
            record_id=self.record_id,
            from_ms=time_ms(self.from_),
            to_ms=time_ms(self.to),
            error_text=self.text,
        )


class BulkBody(BaseModel):
    """What to retry and how fast; with `preview` nothing is retried, only counted."""

    model_config = ConfigDict(extra="forbid")

    filter: BulkFilter = BulkFilter()
    preview: bool = False
    version: Mode = "pinned"
    repeat_completed: bool = False
    per_second: int = Field(default=10, ge=1, le=PER_SECOND_MAX)


@router.post(
    "/v1/bulk-retries",
    status_code=202,
    summary="Retry the failed runs that match, paced; or count them",
    description=f"At most {RUNS_MAX:,} runs at once, the oldest: `runs` says how many were taken. Start "
    "another for the rest.",
    response_model=shapes.BulkRetry,
    responses={200: {"model": shapes.BulkPreview, "description": "The counts, where `preview` is set"}},
)
async def start(request: Request, caller: Operator, body: BulkBody) -> Response:
    bulk: BulkRetries = request.app.state.bulk
    wanted = body.filter.as_filter()
    if body.preview:
        return shapes.answer(await bulk.preview(caller.tenant_id, wanted))
    bulk_id = await bulk.start(
        caller.tenant_id,
        wanted,
        body.version,
        repeat_completed=body.repeat_completed,
        per_second=body.per_second,
        by=caller.actor,
    )
    return shapes.answer(await bulk.show(caller.tenant_id, bulk_id, LIMIT_DEFAULT, 0), 202)


@router.get(
    "/v1/bulk-retries/{bulk_id}",
    summary="Progress, and a result per run",
    response_model=shapes.BulkRetry,
    responses=documented(404),
)
async def show(
    request: Request,
    caller: Viewer,
    bulk_id: str,
    limit: Limit = LIMIT_DEFAULT,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Position of the last result seen")] = 0,
) -> Response:
    bulk: BulkRetries = request.app.state.bulk
    shown = await bulk.show(caller.tenant_id, bulk_id, limit, after)
    if shown is None:
        raise not_found("bulk retry", bulk_id)
    return shapes.answer(shown)


@router.post(
    "/v1/bulk-retries/{bulk_id}/abort",
    summary="Retry no more of it; what was retried stays",
    response_model=shapes.BulkRetry,
    responses=documented(404),
)
async def abort(request: Request, caller: Operator, bulk_id: str) -> Response:
    bulk: BulkRetries = request.app.state.bulk
    if await bulk.show(caller.tenant_id, bulk_id, 0, 0) is None:
        raise not_found("bulk retry", bulk_id)
    await bulk.abort(caller.tenant_id, bulk_id)
    return shapes.answer(await bulk.show(caller.tenant_id, bulk_id, LIMIT_DEFAULT, 0))
