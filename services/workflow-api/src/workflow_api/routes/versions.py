"""The history of a workflow's versions."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from signalbox_runtime.http.auth import Editor, Viewer
from signalbox_runtime.http.paging import LIMIT_DEFAULT, Cursor, Limit, Page, decode_cursor, encode_cursor
from signalbox_runtime.http.problems import documented
from workflow_api.routes.access import Using
from workflow_api.routes.shapes import (
    VersionOut,
    VersionSummary,
    WorkflowDetail,
    version_out,
    version_summary,
)
from workflow_api.routes.workflows import IfMatch, detail

router = APIRouter(tags=["versions"])

VERSION_MAX = 2_147_483_647
Number = Annotated[int, Path(ge=1, le=VERSION_MAX, description="The version, from 1")]


@router.get(
    "/v1/workflows/{workflow_id}/versions", summary="Its versions, newest first", responses=documented(404)
)
async def list_versions(
    caller: Viewer, using: Using, workflow_id: str, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
) -> Page[VersionSummary]:
    workflow = await using.workflows.read(caller, workflow_id)
    place = decode_cursor(cursor, int)
    found = await using.workflows.versions(caller, workflow, place[0] if place else None, limit + 1)
    page = found[:limit]
    return Page(
        items=[version_summary(version) for version in page],
        next=encode_cursor(page[-1].version) if len(found) > limit else None,
    )


@router.get("/v1/workflows/{workflow_id}/versions/{number}", summary="A version", responses=documented(404))
async def read_version(caller: Viewer, using: Using, workflow_id: str, number: Number) -> VersionOut:
    workflow = await using.workflows.read(caller, workflow_id)
    return version_out(await using.workflows.version(caller, workflow, number))


@router.post(
    "/v1/workflows/{workflow_id}/versions/{number}/restore",
    summary="Copy a version into the draft",
    responses=documented(404, 409, 412),
)
async def restore_version(
    caller: Editor,
    using: Using,
    response: Response,
    workflow_id: str,
    number: Number,
    if_match: IfMatch = None,
) -> WorkflowDetail:
    workflow = await using.workflows.restore(caller, workflow_id, number, if_match)
    return await detail(caller, using, response, workflow)
