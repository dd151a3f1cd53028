"""Publish, activate, pause, archive: 200 when in effect for every event from then on, else 202."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from signalbox_runtime.http.auth import Editor, Principal
from signalbox_runtime.http.problems import documented
from workflow_api.adapters.figures import NO_RUNS, figures_of
from workflow_api.routes.access import Using
from workflow_api.routes.catalog import AnalysisOut, analysed
from workflow_api.routes.shapes import LifecycleOut, workflow_fields
from workflow_api.routes.workflows import IfMatch
from workflow_api.texts import Note
from workflow_api.workflows import Announced

router = APIRouter(tags=["workflows"])


AT_ONCE_MAX = 2_000
"""Active workflows that are compared at a publish: that many take 0.3 s of processor time."""


class PublishedOut(LifecycleOut):
    """A workflow after publish or activate, and what that may lead to."""

    analysis: AnalysisOut = Field(
        description="Its loops and conflicting writes with the active workflows, as if it were active. Where "
        f"more than {AT_ONCE_MAX:,} are, `complete` is false: ask GET /v1/workflow-analysis"
    )


def _answers(model: type[LifecycleOut]) -> dict[int | str, dict[str, Any]]:
    later = "Stored, but Kafka has not confirmed it yet: `effective` is false"
    return {202: {"model": model, "description": later}, **documented(404, 409)}


class PublishIn(BaseModel):
    """How a version is published."""

    model_config = ConfigDict(extra="forbid")

    note: Note | None = Field(default=None, description="Why, for the history")


class PauseIn(BaseModel):
    """How a workflow is paused."""

    model_config = ConfigDict(extra="forbid")

    in_flight: Literal["finish", "cancel"] = Field(
        default="finish", description="What becomes of its running runs"
    )


@router.post(
    "/v1/workflows/{workflow_id}/publish",
    summary="Make the draft the next version",
    responses={**_answers(PublishedOut), **documented(412)},
)
async def publish(
    caller: Editor,
    using: Using,
    response: Response,
    workflow_id: str,
    body: PublishIn | None = None,
    if_match: IfMatch = None,
) -> PublishedOut:
    note = body.note if body is not None else None
    return await _published(
        caller, using, response, await using.workflows.publish(caller, workflow_id, note, if_match)
    )


@router.post(
    "/v1/workflows/{workflow_id}/activate",
    summary="Let it judge events; publishes the first draft if there is no version",
    responses=_answers(PublishedOut),
)
async def activate(caller: Editor, using: Using, response: Response, workflow_id: str) -> PublishedOut:
    return await _published(caller, using, response, await using.workflows.activate(caller, workflow_id))


@router.post(
    "/v1/workflows/{workflow_id}/pause",
    summary="Let it judge no more events",
    responses=_answers(LifecycleOut),
)
async def pause(
    caller: Editor, using: Using, response: Response, workflow_id: str, body: PauseIn | None = None
) -> LifecycleOut:
    cancel_runs = body is not None and body.in_flight == "cancel"
    announced = await using.workflows.pause(caller, workflow_id, cancel_runs=cancel_runs)
    return await _answer(caller, using, response, announced)


@router.delete(
    "/v1/workflows/{workflow_id}",
    summary="Archive it; its runs stay readable",
    responses=_answers(LifecycleOut),
)
async def archive(caller: Editor, using: Using, response: Response, workflow_id: str) -> LifecycleOut:
    return await _answer(caller, using, response, await using.workflows.archive(caller, workflow_id))


async def _published(
    caller: Principal, using: Using, response: Response, announced: Announced
) -> PublishedOut:
    answer = await _answer(caller, using, response, announced)
    workflow = announced.workflow
    version = await using.workflows.version(caller, workflow, workflow.version)
    own = {workflow.id: bytes(version.definition)}
    analysis = await analysed(using, caller.tenant_id, own, workflow.id, AT_ONCE_MAX)
    return PublishedOut(**dict(answer), analysis=analysis)


async def _answer(caller: Principal, using: Using, response: Response, announced: Announced) -> LifecycleOut:
    workflow = announced.workflow
    figures = (await figures_of(using.engine, caller.tenant_id, [workflow.id])).get(workflow.id, NO_RUNS)
    response.status_code = 200 if announced.effective else 202
    response.headers["ETag"] = workflow.etag
    return LifecycleOut(
        **workflow_fields(workflow, figures), effective=announced.effective, in_flight=figures.in_flight
    )
