"""Workflows as files: export, and import as plan or apply."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from signalbox_runtime.http.auth import Editor, Viewer
from signalbox_runtime.http.problems import documented
from workflow_api.imports import Plan
from workflow_api.routes.access import Using
from workflow_api.routes.bodies import ImportDocument, document_body

router = APIRouter(tags=["files"])

IMPORT_BODY: Final = document_body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "format": {"const": 1},
            "email_templates": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/EmailTemplateIn"},
                "maxItems": 1_000,
            },
            "workflows": {
                "type": "array",
                "maxItems": 10_000,
                "items": {
                    "type": "object",
                    "description": "A workflow document, with id and status (both optional) beside its keys",
                },
            },
        },
    }
)


class PlannedWorkflow(BaseModel):
    """What an import does to one workflow."""

    id: str | None = Field(description="Null for one that is new and was given no id")
    name: str
    steps: list[Literal["create", "change-draft", "publish", "activate", "pause"]] = Field(
        description="Empty: it is as the file says"
    )
    diff: str = Field(description="Unified diff of the YAML")
    warnings: list[str]


class PlannedEmailTemplate(BaseModel):
    """What an import does to one mail template."""

    name: str
    action: Literal["create", "change", "none"]
    diff: str


class ImportOut(BaseModel):
    """What an import changes, or has changed."""

    mode: Literal["plan", "apply"]
    changes: int = Field(description="Workflows and templates that are not as the files say")
    workflows: list[PlannedWorkflow]
    email_templates: list[PlannedEmailTemplate]
    effective: bool | None = Field(description="After apply: whether it counts for every event from now on")


@router.get(
    "/v1/export",
    summary="All workflows and mail templates as YAML, in a stable order",
    response_class=Response,
    responses={200: {"content": {"application/yaml": {"schema": {"type": "object"}}}, "description": "YAML"}},
)
async def export_workflows(caller: Viewer, using: Using) -> Response:
    return Response(await using.imports.export(caller.tenant_id), media_type="application/yaml")


@router.post(
    "/v1/import",
    summary="Show what files would change (plan), or change it (apply)",
    openapi_extra=IMPORT_BODY,
    responses=documented(415),
)
async def import_workflows(
    caller: Editor,
    using: Using,
    mode: Annotated[Literal["plan", "apply"], Query(description="plan changes nothing")],
    body: ImportDocument,
) -> ImportOut:
    if mode == "plan":
        return _out(mode, await using.imports.plan(caller, body), (), None)
    applied = await using.imports.apply(caller, body)
    return _out(mode, applied.plan, applied.ids, applied.effective)


def _out(
    mode: Literal["plan", "apply"], plan: Plan, ids: tuple[str, ...], effective: bool | None
) -> ImportOut:
    flows: list[dict[str, Any]] = [
        {
            "id": ids[index] if ids else planned.id,
            "name": planned.name,
            "steps": list(planned.steps),
            "diff": planned.diff,
            "warnings": list(planned.warnings),
        }
        for index, planned in enumerate(plan.workflows)
    ]
    templates = [
        PlannedEmailTemplate(name=each.template.name, action=each.action, diff=each.diff)
        for each in plan.templates
    ]
    changes = sum(bool(flow["steps"]) for flow in flows) + sum(each.action != "none" for each in templates)
    return ImportOut(
        mode=mode,
        changes=changes,
        workflows=[PlannedWorkflow(**flow) for flow in flows],
        email_templates=templates,
        effective=effective,
    )
