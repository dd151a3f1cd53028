"""The draft by itself: kept as far as it is written, with what is to be done before it can be published."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from signalbox_contracts.definitions.document import Problem, parse_definition, to_bytes
from signalbox_contracts.errors import UndecodableMessage
from signalbox_runtime.http.auth import Editor, Principal, Viewer
from signalbox_runtime.http.problems import Problem as HttpProblem
from signalbox_runtime.http.problems import documented
from workflow_api.adapters.figures import NO_RUNS, figures_of
from workflow_api.checking import problems_of
from workflow_api.domain.workflow import Workflow
from workflow_api.routes.access import Using
from workflow_api.routes.bodies import Document, document_body
from workflow_api.routes.catalog import AnalysisOut, analysed
from workflow_api.routes.lifecycle import AT_ONCE_MAX
from workflow_api.routes.workflows import IfMatch

router = APIRouter(tags=["drafts"])
DRAFT_BODY = document_body({"type": "object", "description": "A workflow document, as far as it is written"})


class ProblemOut(BaseModel):
    """What is to be done at one place of a document."""

    pointer: str
    detail: str
    severity: Literal["error", "warning"] = Field(description="An error keeps it from being published")
    code: str


class DraftOut(BaseModel):
    """A draft, and what is wrong with it so far."""

    draft: dict[str, Any] | None = Field(description="null where nothing differs from the version")
    etag: str = Field(description="For If-Match of the next change, as in the ETag header")
    saved_at: datetime
    saved_by: str
    problems: list[ProblemOut]


class PublishPreviewOut(BaseModel):
    """What a publish would meet."""

    problems: list[ProblemOut]
    analysis: AnalysisOut = Field(description="Loops and conflicting writes, as if the draft were active")
    in_flight: int = Field(description="Runs that go on with the version they began with")


@router.get(
    "/v1/workflows/{workflow_id}/draft", summary="The draft and its problems", responses=documented(404)
)
async def read_draft(caller: Viewer, using: Using, response: Response, workflow_id: str) -> DraftOut:
    workflow = await using.workflows.read(caller, workflow_id)
    return _shown(response, workflow, _problems(caller, using, workflow))


@router.put(
    "/v1/workflows/{workflow_id}/draft",
    summary="Keep the draft as far as it is written",
    description="Any JSON object up to 1 MiB: keys and kinds of action that this release does not know are "
    "kept. What keeps it from being published is in `problems`.",
    openapi_extra=DRAFT_BODY,
    responses=documented(404, 409, 412, 415, 428),
)
async def keep_draft(
    caller: Editor,
    using: Using,
    response: Response,
    workflow_id: str,
    body: Document,
    if_match: IfMatch = None,
) -> DraftOut:
    workflow, problems = await using.workflows.keep_draft(caller, workflow_id, body, if_match)
    return _shown(response, workflow, problems)


@router.delete(
    "/v1/workflows/{workflow_id}/draft",
    summary="Discard the draft; the version stays as it is",
    responses=documented(404, 409, 412),
)
async def discard_draft(
    caller: Editor, using: Using, response: Response, workflow_id: str, if_match: IfMatch = None
) -> DraftOut:
    workflow = await using.workflows.discard_draft(caller, workflow_id, if_match)
    return _shown(response, workflow, [])


@router.get(
    "/v1/workflows/{workflow_id}/publish-preview",
    summary="What publishing the draft would meet",
    responses=documented(404),
)
async def preview_publish(caller: Editor, using: Using, workflow_id: str) -> PublishPreviewOut:
    workflow = await using.workflows.read(caller, workflow_id)
    problems = _problems(caller, using, workflow)
    own: dict[str, bytes] = {}
    if workflow.draft is not None and not any(each.severity == "error" for each in problems):
        try:
            completed = await using.workflows.complete(caller, workflow.draft)
            own = {workflow.id: to_bytes(parse_definition(completed))}
        except HttpProblem as problem:  # a mail template that is not there
            problems = [*problems, *(Problem(place.pointer, place.detail) for place in problem.errors)]
        except (ValueError, UndecodableMessage) as error:
            problems = [*problems, Problem("", str(error))]
    analysis = await analysed(using, caller.tenant_id, own, workflow.id, AT_ONCE_MAX)
    figures = (await figures_of(using.engine, caller.tenant_id, [workflow.id])).get(workflow.id, NO_RUNS)
    return PublishPreviewOut(
        problems=[_out(each) for each in problems], analysis=analysis, in_flight=figures.in_flight
    )


def _problems(caller: Principal, using: Using, workflow: Workflow) -> list[Problem]:
    if workflow.draft is None:
        return []
    return problems_of(workflow.draft, using.catalogs.of(caller.tenant_id))


def _shown(response: Response, workflow: Workflow, problems: list[Problem]) -> DraftOut:
    response.headers["ETag"] = workflow.etag
    return DraftOut(
        draft=None if workflow.draft is None else dict(workflow.draft),
        etag=workflow.etag,
        saved_at=workflow.updated_at,
        saved_by=workflow.updated_by,
        problems=[_out(each) for each in problems],
    )


def _out(problem: Problem) -> ProblemOut:
    code = "invalid" if problem.severity == "error" else "advice"
    return ProblemOut(pointer=problem.pointer, detail=problem.detail, severity=problem.severity, code=code)
