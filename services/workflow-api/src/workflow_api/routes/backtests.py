"""Backtests: start, progress and result, cancel."""

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from signalbox_runtime.http.auth import Editor, Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import documented
from workflow_api.backtests import StoredBacktest
from workflow_api.moments import Moment
from workflow_api.routes.access import Using
from workflow_api.routes.tests import Version

router = APIRouter(tags=["backtests"])


class BacktestIn(BaseModel):
    """What to replay through which form."""

    model_config = ConfigDict(extra="forbid")

    version: Version | None = Field(
        default=None, description="Unset: the draft if there is one, else the version"
    )
    from_time: Moment | None = Field(
        default=None, alias="from", description="Events appended from then on; unset, all that are kept"
    )
    to_time: Moment | None = Field(default=None, alias="to", description="Events appended before then")

    @model_validator(mode="after")
    def _is_a_span(self) -> "BacktestIn":
        if self.from_time and self.to_time and self.from_time >= self.to_time:
            raise ValueError("from must lie before to")
        return self


class ProgressOut(BaseModel):
    """How far it is."""

    offsets_read: int = 0
    offsets_total: int = 0
    events_seen: int = 0
    seconds: float = 0
    cpu_seconds: float = Field(
        default=0, description="Processor time of its process, Kafka's client included"
    )
    percent: float = 0


class BlamedLeaf(BaseModel):
    """A comparison, and how many events it is a reason to skip."""

    pointer: str
    field: str
    op: str
    value: Any
    count: int


class ActionCount(BaseModel):
    """How often an action would have been started."""

    id: str
    type: str
    count: int


class SampleOut(BaseModel):
    """A record, and what would have become of it."""

    event_id: str
    record_id: str
    occurred_at: datetime
    would_run: bool
    sentence: str


class ComparedOut(BaseModel):
    """Beside the version that judges events: which runs both have, and which only one."""

    version: int
    now_only: int = Field(description="Runs of the present version that would be no more")
    then_only: int = Field(description="Runs that would be new")
    both: int
    samples_now_only: list[SampleOut]
    samples_then_only: list[SampleOut]


class ResultOut(BaseModel):
    """What it would have made of the events."""

    complete: bool = Field(description="False if it stopped at the limit of events")
    events_seen: int
    unreadable: int
    matched: int
    would_run: int
    would_skip: int
    skipped_by_leaf: list[BlamedLeaf] = Field(description="An event may have several reasons")
    actions: list[ActionCount]
    samples: list[SampleOut]
    compared: ComparedOut | None


class BacktestOut(BaseModel):
    """A backtest."""

    id: str
    workflow_id: str
    version: str = Field(description="draft, or the version's number")
    status: Literal["waiting", "running", "done", "failed", "canceled"]
    from_time: datetime | None = Field(alias="from")
    to_time: datetime | None = Field(alias="to")
    progress: ProgressOut
    result: ResultOut | None
    error: str | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None


@router.post(
    "/v1/workflows/{workflow_id}/backtests",
    status_code=202,
    summary="Replay past events through it, without effects",
    responses=documented(404, 409),
)
async def start_backtest(
    caller: Editor, using: Using, response: Response, workflow_id: str, body: BacktestIn | None = None
) -> BacktestOut:
    asked = body or BacktestIn()
    workflow = await using.workflows.read(caller, workflow_id)
    tested = await using.dry_runs.tested(caller, workflow, asked.version)
    draft = asked.version == "draft" or (asked.version is None and workflow.draft is not None)
    form = "draft" if draft else str(tested.version)
    started = await using.backtests.start(caller, workflow, tested, form, asked.from_time, asked.to_time)
    response.headers["Location"] = f"/v1/workflows/{workflow_id}/backtests/{started.id}"
    return _out(started)


@router.get(
    "/v1/workflows/{workflow_id}/backtests", summary="Its backtests, newest first", responses=documented(404)
)
async def list_backtests(
    caller: Viewer, using: Using, workflow_id: str, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[BacktestOut]:
    await using.workflows.read(caller, workflow_id)
    place = decode_cursor(cursor, datetime, str)
    found = await using.backtests.list(caller.tenant_id, workflow_id, place, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        items=[_out(each) for each in found[:limit]],
        next=encode_cursor(last.created_at, last.id) if last else None,
    )


@router.get(
    "/v1/workflows/{workflow_id}/backtests/{backtest_id}",
    summary="Progress and result",
    responses=documented(404),
)
async def read_backtest(caller: Viewer, using: Using, workflow_id: str, backtest_id: str) -> BacktestOut:
    return _out(await using.backtests.read(caller.tenant_id, workflow_id, backtest_id))


@router.delete(
    "/v1/workflows/{workflow_id}/backtests/{backtest_id}", summary="Cancel it", responses=documented(404)
)
async def cancel_backtest(caller: Editor, using: Using, workflow_id: str, backtest_id: str) -> BacktestOut:
    return _out(await using.backtests.cancel(caller, workflow_id, backtest_id))


def _out(stored: StoredBacktest) -> BacktestOut:
    request, result = stored.request, stored.result
    progress = ProgressOut(**stored.progress)
    if stored.status == "done":
        progress.percent = 100
    elif progress.offsets_total:
        progress.percent = round(100 * progress.offsets_read / progress.offsets_total, 1)
    if result is not None and result["compared"] is not None:
        result = {**result, "compared": {**result["compared"], "version": request["now_version"]}}
    return BacktestOut(
        **{"from": _moment(request["from_ms"]), "to": _moment(request["to_ms"])},
        id=stored.id,
        workflow_id=stored.workflow_id,
        version=request["form"],
        status=stored.status,
        progress=progress,
        result=None if result is None else ResultOut(**result),
        error=stored.error,
        created_at=stored.created_at,
        created_by=stored.created_by,
        finished_at=stored.finished_at,
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
