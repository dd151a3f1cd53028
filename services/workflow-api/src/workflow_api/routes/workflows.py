"""The grid; create, read, change, archive and duplicate."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Header, Query, Response

from signalbox_runtime.http.auth import Editor, Principal, Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page
from signalbox_runtime.http.problems import documented
from workflow_api.adapters.figures import NO_RUNS, figures_of
from workflow_api.adapters.workflow_grid import GridFilter, GridOrder, read_grid
from workflow_api.checking import warnings_of
from workflow_api.domain.workflow import Workflow
from workflow_api.routes.access import Using
from workflow_api.routes.bodies import WORKFLOW_BODY, Document
from workflow_api.routes.shapes import Warned, WorkflowDetail, WorkflowOut, workflow_fields

router = APIRouter(tags=["workflows"])

IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the GET that you edited, or * to overwrite")
]


@router.get("/v1/workflows", summary="The grid of workflows", response_model=Page[WorkflowOut])
async def list_workflows(
    caller: Viewer,
    using: Using,
    status: Annotated[
        Literal["active", "paused", "archived"] | None, Query(description="Unset: all but the archived")
    ] = None,
    module: Annotated[str | None, Query(max_length=60)] = None,
    text: Annotated[str | None, Query(max_length=200, description="In name or description")] = None,
    sort: Annotated[GridOrder, Query(description="A leading - is descending")] = "-updated_at",
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    wanted = GridFilter(caller.tenant_id, status, module, text)
    page = await read_grid(using.engine, wanted, sort, limit, cursor)
    return Response(msgspec.json.encode(page), media_type="application/json")


@router.post(
    "/v1/workflows",
    status_code=201,
    summary="Make a workflow: a draft, paused",
    openapi_extra=WORKFLOW_BODY,
    responses=documented(415),
)
async def create_workflow(caller: Editor, using: Using, response: Response, body: Document) -> WorkflowDetail:
    workflow = await using.workflows.create(caller, body)
    response.headers["Location"] = f"/v1/workflows/{workflow.id}"
    return await detail(caller, using, response, workflow)


@router.get("/v1/workflows/{workflow_id}", summary="A workflow", responses=documented(404))
async def read_workflow(caller: Viewer, using: Using, response: Response, workflow_id: str) -> WorkflowDetail:
    return await detail(caller, using, response, await using.workflows.read(caller, workflow_id))


@router.put(
    "/v1/workflows/{workflow_id}",
    summary="Change the draft",
    openapi_extra=WORKFLOW_BODY,
    responses=documented(404, 409, 412, 415, 428),
)
async def change_workflow(
    caller: Editor,
    using: Using,
    response: Response,
    workflow_id: str,
    body: Document,
    if_match: IfMatch = None,
) -> WorkflowDetail:
    workflow = await using.workflows.change(caller, workflow_id, body, if_match)
    return await detail(caller, using, response, workflow)


@router.post(
    "/v1/workflows/{workflow_id}/duplicate",
    status_code=201,
    summary="A paused copy, as a draft",
    responses=documented(404),
)
async def duplicate_workflow(
    caller: Editor, using: Using, response: Response, workflow_id: str
) -> WorkflowDetail:
    workflow = await using.workflows.duplicate(caller, workflow_id)
    response.headers["Location"] = f"/v1/workflows/{workflow.id}"
    return await detail(caller, using, response, workflow)


async def detail(caller: Principal, using: Using, response: Response, workflow: Workflow) -> WorkflowDetail:
    """The workflow by itself, with its ETag."""
    figures = await figures_of(using.engine, caller.tenant_id, [workflow.id])
    definition = None
    if workflow.version is not None:
        definition = dict((await using.workflows.version(caller, workflow, workflow.version)).document)
    response.headers["ETag"] = workflow.etag
    fields = workflow_fields(workflow, figures.get(workflow.id, NO_RUNS))
    shown = workflow.draft or definition or {}
    warnings = [
        Warned(pointer=each.pointer, detail=each.detail)
        for each in warnings_of(shown, using.catalogs.of(caller.tenant_id))
    ]
    return WorkflowDetail(**fields, definition=definition, warnings=warnings)
