"""What workflows can be built from."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from signalbox_contracts.definitions.document import from_bytes
from signalbox_rules.analysis import analyse
from signalbox_rules.catalog import served_catalog
from signalbox_rules.consequences import AnalysedWorkflow
from signalbox_runtime.http.auth import Viewer
from workflow_api.adapters.workflow_rows import active_definitions
from workflow_api.routes.access import Using

router = APIRouter(tags=["catalog"])


class LoopStep(BaseModel):
    """A workflow of a loop, and what it does that starts the next one."""

    workflow_id: str
    name: str
    causes: str


class LoopOut(BaseModel):
    """Workflows that start each other in a circle."""

    path: list[LoopStep]
    stopped_by: str = Field(description="Which guard ends it when it happens")
    sentence: str


class ConflictOut(BaseModel):
    """Two workflows that can run for one event and set the same field differently."""

    module: str
    field: str
    workflow_ids: list[str]
    names: list[str]
    sentence: str


class AnalysisOut(BaseModel):
    """What the active workflows do to each other."""

    loops: list[LoopOut]
    conflicts: list[ConflictOut]
    complete: bool = Field(description="False if there were too many workflows to compare all")


async def analysed(
    using: Using, tenant_id: str, also: Mapping[str, bytes], about: str | None, workflows_max: int | None
) -> AnalysisOut:
    """What the active workflows and `also` (definitions by id) do to each other, or to `about` only.

    Of more than `workflows_max` nothing is compared.
    """
    at_most = None if workflows_max is None else workflows_max + 1  # one more tells that there are too many
    known = {**await active_definitions(using.engine, tenant_id, at_most), **also}
    if workflows_max is not None and len(known) > workflows_max:
        return AnalysisOut(loops=[], conflicts=[], complete=False)

    def analysis() -> AnalysisOut:
        workflows = [AnalysedWorkflow(each, from_bytes(definition)) for each, definition in known.items()]
        return AnalysisOut(**msgspec.to_builtins(analyse(workflows, about=about)))

    return await asyncio.to_thread(analysis)


@router.get("/v1/workflow-analysis", summary="Loops and conflicting writes among the active workflows")
async def analyse_workflows(
    caller: Viewer,
    using: Using,
    workflow_id: Annotated[
        str | None, Query(max_length=200, description="Only what it takes part in")
    ] = None,
) -> AnalysisOut:
    return await analysed(using, caller.tenant_id, {}, workflow_id, None)


@router.get("/v1/catalog", summary="Triggers, fields, operators, actions with the schema of their parameters")
async def read_catalog(caller: Viewer, using: Using) -> dict[str, Any]:
    return served_catalog(using.catalogs.of(caller.tenant_id))
