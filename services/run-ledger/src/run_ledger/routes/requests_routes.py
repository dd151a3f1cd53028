"""Retry, its preview, cancel and resolve over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from run_ledger.adapters.reading.read_past import ReadPast
from run_ledger.adapters.reading.runs_reader import RunsReader
from run_ledger.adapters.requests.requests import Requests, RetryAsked
from run_ledger.domain import retry
from run_ledger.domain.records import RunRecord
from run_ledger.domain.retry import Mode
from run_ledger.routes import shapes
from run_ledger.routes.runs_routes import whole_story
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Operator, Viewer
from signalbox_runtime.http.problems import conflict, documented, not_found

router = APIRouter(tags=["runs"])


class RetryBody(BaseModel):
    """How a run is repeated."""

    model_config = ConfigDict(extra="forbid")

    version: Mode = "pinned"
    repeat_completed: bool = False


class ResolveBody(BaseModel):
    """What a person found out about an action whose outcome is unknown."""

    model_config = ConfigDict(extra="forbid")

    resolution: Literal["done", "resend", "fail"]


async def run_of(request: Request, tenant_id: str, run_id: str) -> RunRecord:
    """The run of that id. Raises Problem 404."""
    reader: RunsReader = request.app.state.runs
    run = await reader.run(tenant_id, run_id)
    if run is None:
        raise not_found("run", run_id)
    return run


@router.post(
    "/v1/runs/{run_id}/retry",
    status_code=202,
    summary="Repeat a failed run; a repeated click answers the same new run",
    response_model=shapes.Run,
    responses=documented(404, 409),
)
async def retry_run(
    request: Request, caller: Operator, run_id: str, body: RetryBody | None = None
) -> Response:
    requests: Requests = request.app.state.requests
    wanted = body or RetryBody()
    run = await run_of(request, caller.tenant_id, run_id)
    asked = RetryAsked(wanted.version, wanted.repeat_completed, caller.actor)
    new_run_id = await requests.retry(run, asked)
    return shapes.answer(await whole_story(request, caller.tenant_id, new_run_id), 202)


@router.get(
    "/v1/runs/{run_id}/retry-preview",
    summary="What a Retry would do with each action",
    response_model=shapes.RetryPreview,
    responses=documented(404),
)
async def retry_preview(
    request: Request,
    caller: Viewer,
    run_id: str,
    version: Annotated[Mode, Query()] = "pinned",
    repeat_completed: Annotated[bool, Query()] = False,
) -> Response:
    requests: Requests = request.app.state.requests
    reader: RunsReader = request.app.state.runs
    run = await run_of(request, caller.tenant_id, run_id)
    reason = None
    if run.status != "failed":
        reason = "not-failed"
    elif await reader.event(run) is None:
        reason = "payload-expired"
    line = await requests.line(run)
    return shapes.answer(
        {
            "run_id": run.run_id,
            "version": version,
            "repeat_completed": repeat_completed,
            "possible": reason is None,
            "reason": reason,
            "retried_by": run.retried_by,
            "actions": retry.preview(line, version, repeat_completed=repeat_completed),
        }
    )


@router.post(
    "/v1/runs/{run_id}/cancel",
    status_code=202,
    summary="Cancel a run in flight",
    response_model=shapes.Run,
    responses=documented(404, 409),
)
async def cancel_run(request: Request, caller: Operator, run_id: str) -> Response:
    requests: Requests = request.app.state.requests
    await requests.cancel(await run_of(request, caller.tenant_id, run_id), caller.actor)
    return shapes.answer(await whole_story(request, caller.tenant_id, run_id), 202)


@router.post(
    "/v1/runs/{run_id}/actions/{index}/resolve",
    status_code=202,
    summary="Settle an action whose outcome is unknown",
    response_model=shapes.Run,
    responses=documented(404, 409),
)
async def resolve_action(
    request: Request, caller: Operator, run_id: str, index: Annotated[int, Path(ge=0)], body: ResolveBody
) -> Response:
    requests: Requests = request.app.state.requests
    run = await run_of(request, caller.tenant_id, run_id)
    run = await _unknown(request, run, index)
    await requests.resolve(run, body.resolution, caller.actor)
    return shapes.answer(await whole_story(request, caller.tenant_id, run_id), 202)


async def _unknown(request: Request, run: RunRecord, index: int) -> RunRecord:
    """The run, whose action is unknown and which nobody else can move any more. Raises Problem 409."""
    clock: Clock = request.app.state.clock
    everybody: ReadPast = request.app.state.read_past
    if run.status != "waiting" or run.action_index != index or run.waiting_for == "retry":
        raise conflict("not-unknown", f"The outcome of action {index} is not unknown.")
    if run.waiting_for == "person":
        return run
    deadline_ms = run.deadline_ms or 0
    if clock.now_ms() <= deadline_ms:
        raise conflict("not-unknown", "The CRM may still answer: its deadline has not passed.")
    if not await everybody.read_past(deadline_ms):
        raise conflict(
            "not-yet",
            "The answers of the CRM up to the deadline are not all read yet; try again in a few seconds.",
        )
    again = await run_of(request, run.tenant_id, run.run_id)
    if again.seq != run.seq:
        raise conflict("not-unknown", "The CRM's answer has come in the meantime.")
    return again
