"""A workflow's life: what each step makes of it, or why the step is refused.

    create ──► paused, draft ──publish──► paused, version 1 ──activate──► active ──pause──► paused
                                              └── change ──► version n and a draft ──publish──► version n + 1
    any of them ──archive──► archived (for good; duplicate it to go on)

`activate` publishes the first draft itself. Publishing leaves active and paused as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

UNNAMED = "Untitled workflow"
Status = Literal["active", "paused", "archived"]
Document: TypeAlias = Mapping[str, Any]
"""A workflow document as its author wrote it, action ids included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow as stored. Name, description and trigger are the published ones once there is a version."""

    tenant_id: str
    id: str
    name: str
    description: str
    status: Status
    trigger: Mapping[str, Any]
    version: int | None
    draft: Document | None
    revision: int
    """Counts changes of the draft: the ETag."""
    last_row_id: int
    """The outbox row that announced its newest state; 0 if nothing was announced yet."""
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str

    @property
    def module(self) -> str:
        return str(self.trigger.get("module", ""))

    @property
    def event(self) -> str:
        return str(self.trigger.get("event", ""))

    @property
    def etag(self) -> str:
        """For `ETag` and `If-Match`."""
        return f'"{self.revision}"'


@dataclass(frozen=True, slots=True)
class Refused:
    """A step that can't be taken now, and what to do."""

    slug: str
    detail: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """It is so already."""

    workflow: Workflow


@dataclass(frozen=True, slots=True)
class Changed:
    """The workflow after the step. `published` is the document of the new version, if the step made one."""

    workflow: Workflow
    published: Document | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Who takes a step, and when."""

    by: str
    at: datetime


def create(tenant_id: str, workflow_id: str, document: Document, change: Change) -> Workflow:
    """A new workflow: a draft, paused."""
    return Workflow(
        tenant_id=tenant_id,
        id=workflow_id,
        **_described(document),
        status="paused",
        version=None,
        draft=document,
        revision=1,
        last_row_id=0,
        created_at=change.at,
        created_by=change.by,
        updated_at=change.at,
        updated_by=change.by,
    )


def change_draft(
    workflow: Workflow, document: Document, change: Change, live: Document | None = None
) -> Changed | Refused:
    """Puts `document` in the draft's place; a draft that says what the version `live` says is none."""
    if workflow.status == "archived":
        return _archived(workflow)
    draft = None if document == live else document
    changed = _touched(workflow, change, draft=draft, revision=workflow.revision + 1)
    if workflow.version is None:
        changed = _described_by(changed, document)
    return Changed(changed)


def discard_draft(workflow: Workflow, change: Change) -> Changed | Unchanged | Refused:
    """Leaves the version as it is, and nothing beside it."""
    if workflow.status == "archived":
        return _archived(workflow)
    if workflow.draft is None:
        return Unchanged(workflow)
    if workflow.version is None:
        return Refused(
            "only-a-draft",
            f"Workflow {workflow.id} was never published: its draft is all there is. Archive the workflow.",
        )
    return Changed(_touched(workflow, change, draft=None, revision=workflow.revision + 1))


def publish(workflow: Workflow, change: Change) -> Changed | Refused:
    """Makes the draft the next version."""
    if workflow.status == "archived":
        return _archived(workflow)
    if workflow.draft is None:
        return Refused(
            "nothing-to-publish",
            f"There is no draft beside version {workflow.version}; change the workflow with PUT first.",
        )
    return _published(workflow, workflow.draft, change)


def activate(workflow: Workflow, change: Change) -> Changed | Unchanged | Refused:
    """Lets it judge events; without a version its first draft is published with it."""
    if workflow.status == "archived":
        return _archived(workflow)
    if workflow.version is None:
        assert workflow.draft is not None, "a workflow has a version or a draft"
        published = _published(workflow, workflow.draft, change)
        return Changed(replace(published.workflow, status="active"), published.published)
    if workflow.status == "active":
        return Unchanged(workflow)
    return Changed(_touched(workflow, change, status="active"))


def pause(workflow: Workflow, change: Change) -> Changed | Unchanged | Refused:
    """Lets it judge no event from now on."""
    if workflow.status == "archived":
        return _archived(workflow)
    if workflow.status == "paused":
        return Unchanged(workflow)
    return Changed(_touched(workflow, change, status="paused"))


def archive(workflow: Workflow, change: Change) -> Changed | Unchanged:
    """Puts it away for good; its versions and runs stay readable."""
    if workflow.status == "archived":
        return Unchanged(workflow)
    return Changed(_touched(workflow, change, status="archived"))


def _published(workflow: Workflow, draft: Document, change: Change) -> Changed:
    version = (workflow.version or 0) + 1
    published = _touched(workflow, change, version=version, draft=None, revision=workflow.revision + 1)
    return Changed(_described_by(published, draft), draft)


def _described_by(workflow: Workflow, document: Document) -> Workflow:
    return replace(workflow, **_described(document))


def _described(document: Document) -> dict[str, Any]:
    """Name, description and trigger; of an unfinished draft, what there is of them."""
    name, description = document.get("name"), document.get("description")
    trigger = document.get("trigger")
    return {
        "name": name if isinstance(name, str) and name.strip() else UNNAMED,
        "description": description if isinstance(description, str) else "",
        "trigger": trigger if _is_trigger(trigger) else {},
    }


def _is_trigger(trigger: Any) -> bool:
    return isinstance(trigger, Mapping) and all(
        isinstance(trigger.get(part), str) for part in ("module", "event")
    )


def _touched(workflow: Workflow, change: Change, **fields: Any) -> Workflow:
    return replace(workflow, updated_at=change.at, updated_by=change.by, **fields)


def _archived(workflow: Workflow) -> Refused:
    return Refused(
        "archived",
        f"Workflow {workflow.id} is archived; POST …/duplicate makes a copy to go on with.",
    )
