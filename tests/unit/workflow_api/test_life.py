"""Steps of a workflow's life, given – when – then."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from workflow_api.domain import workflow as life
from workflow_api.domain.workflow import Change, Changed, Refused, Unchanged, Workflow

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
CHANGE = Change("key:ada", AT)
DOCUMENT: dict[str, Any] = {
    "name": "Welcome",
    "trigger": {"module": "leads", "event": "created"},
    "actions": [{"type": "webhook", "id": "w", "with": {"url": "https://x.example"}}],
}


def draft() -> Workflow:
    return life.create("acme", "wf-1", DOCUMENT, Change("key:bob", datetime(2026, 1, 1, tzinfo=UTC)))


def published(status: life.Status = "paused") -> Workflow:
    step = life.publish(draft(), CHANGE)
    assert isinstance(step, Changed)
    return replace(step.workflow, status=status)


def archived() -> Workflow:
    return replace(published(), status="archived")


def test_a_new_workflow_is_a_paused_draft() -> None:
    made = draft()
    assert (made.status, made.version, made.draft, made.module, made.event) == (
        "paused",
        None,
        DOCUMENT,
        "leads",
        "created",
    )


def test_activate_publishes_the_first_draft() -> None:
    step = life.activate(draft(), CHANGE)
    assert isinstance(step, Changed)
    assert (step.workflow.status, step.workflow.version, step.workflow.draft) == ("active", 1, None)
    assert step.published == DOCUMENT


@pytest.mark.parametrize("status", ["active", "paused"])
def test_publish_makes_the_next_version_and_keeps_the_status(status: life.Status) -> None:
    changed = life.change_draft(published(status), {**DOCUMENT, "name": "Better"}, CHANGE)
    assert isinstance(changed, Changed)
    assert changed.workflow.name == "Welcome"
    step = life.publish(changed.workflow, CHANGE)
    assert isinstance(step, Changed)
    assert (step.workflow.status, step.workflow.version, step.workflow.name) == (status, 2, "Better")
    assert (step.workflow.updated_by, step.workflow.updated_at) == ("key:ada", AT)


def test_publish_without_a_draft_is_refused() -> None:
    step = life.publish(published(), CHANGE)
    assert isinstance(step, Refused)
    assert step.slug == "nothing-to-publish"


def test_what_is_so_already_stays() -> None:
    assert isinstance(life.activate(published("active"), CHANGE), Unchanged)
    assert isinstance(life.pause(published("paused"), CHANGE), Unchanged)
    assert isinstance(life.archive(archived(), CHANGE), Unchanged)


def test_activate_and_pause_leave_the_etag_to_the_drafts_editors() -> None:
    before = published("paused")
    step = life.activate(before, CHANGE)
    assert isinstance(step, Changed)
    assert step.workflow.etag == before.etag
    edited = life.change_draft(before, DOCUMENT, CHANGE)
    assert isinstance(edited, Changed)
    assert edited.workflow.etag != before.etag


def test_an_archived_workflow_takes_no_step_and_says_what_to_do() -> None:
    steps = (
        life.change_draft(archived(), DOCUMENT, CHANGE),
        life.publish(archived(), CHANGE),
        life.activate(archived(), CHANGE),
        life.pause(archived(), CHANGE),
    )
    for step in steps:
        assert isinstance(step, Refused)
        assert "duplicate" in step.detail
