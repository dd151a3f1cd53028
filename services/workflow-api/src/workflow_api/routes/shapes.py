"""Workflows as JSON: the shapes that api.md fixes."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from workflow_api.adapters.figures import Figures
from workflow_api.adapters.workflow_rows import Version
from workflow_api.domain.workflow import Workflow


class WorkflowOut(BaseModel):
    """A workflow in the grid and by itself. Figures come from the run ledger."""

    id: str
    name: str
    description: str
    status: Literal["active", "paused", "archived"]
    trigger: dict[str, Any]
    module: str
    event: str
    version: int | None = Field(description="The version that judges events; null before the first publish")
    draft: dict[str, Any] | None = Field(
        description="What would be published next; null if there is no change"
    )
    run_count: int = Field(description="Runs whose conditions held, retries included")
    skipped_count: int
    runs_by_status: dict[str, int]
    last_run_at: datetime | None
    failed_24h: int
    p50_ms: float | None = Field(description="Median from event to end, recent runs")
    p99_ms: float | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


class Warned(BaseModel):
    """A place of a document that is right, and may not do what its author wants."""

    pointer: str
    detail: str


class WorkflowDetail(WorkflowOut):
    """A workflow by itself: with the document of its version."""

    definition: dict[str, Any] | None = Field(
        description="The document of `version`; null before the first publish"
    )
    warnings: list[Warned] = Field(description="Of the draft, else of the version: it works, but look again")


class LifecycleOut(WorkflowOut):
    """A workflow after publish, activate, pause or archive."""

    effective: bool = Field(description="Whether every event published from now on is judged by this state")
    in_flight: int = Field(description="Runs that have not ended")


class VersionSummary(BaseModel):
    """A version in the history."""

    workflow_id: str
    version: int
    note: str | None
    published_at: datetime
    published_by: str


class VersionOut(VersionSummary):
    """A version with its document, as its author wrote it."""

    definition: dict[str, Any]


def workflow_fields(workflow: Workflow, figures: Figures) -> dict[str, Any]:
    """The fields of WorkflowOut."""
    return {
        "id": workflow.id,
        "name": workflow.name,
        "description": workflow.description,
        "status": workflow.status,
        "trigger": dict(workflow.trigger),
        "module": workflow.module,
        "event": workflow.event,
        "version": workflow.version,
        "draft": None if workflow.draft is None else dict(workflow.draft),
        "run_count": figures.run_count,
        "skipped_count": figures.skipped_count,
        "runs_by_status": dict(figures.runs_by_status),
        "last_run_at": figures.last_run_at,
        "failed_24h": figures.failed_24h,
        "p50_ms": figures.p50_ms,
        "p99_ms": figures.p99_ms,
        "created_at": workflow.created_at,
        "created_by": workflow.created_by,
        "updated_at": workflow.updated_at,
        "updated_by": workflow.updated_by,
    }


def version_summary(version: Version) -> VersionSummary:
    """A version without its document."""
    return VersionSummary(
        workflow_id=version.workflow_id,
        version=version.version,
        note=version.note,
        published_at=version.published_at,
        published_by=version.published_by,
    )


def version_out(version: Version) -> VersionOut:
    """A version with its document."""
    return VersionOut(**version_summary(version).model_dump(), definition=dict(version.document))
