"""What an import plans, and that an export, imported, changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from workflow_api.domain import workflow as life
from workflow_api.domain.action_identity import keep_action_ids
from workflow_api.domain.documents import read_yaml
from workflow_api.domain.files import Entry, FileStatus, Known, export, plan_template, plan_workflow
from workflow_api.domain.mail_templates import MailTemplate, with_templates_copied
from workflow_api.domain.workflow import Change

CHANGE = Change("key:ada", datetime(2026, 11, 23, tzinfo=UTC))
DOCUMENT: dict[str, Any] = {
    "name": "Willkommen 🦊",
    "trigger": {"module": "leads", "event": "created"},
    "conditions": {"all": [{"field": "since", "op": "after", "value": "2026-11-23"}]},
    "actions": [
        {
            "type": "send_email",
            "id": "mail",
            "with": {"to": ["a@example.com"], "subject": "on", "text": "line 1\nline 2\n"},
        }
    ],
}
OTHER: dict[str, Any] = {**DOCUMENT, "name": "Changed"}


def known(status: life.Status = "active", draft: dict[str, Any] | None = None) -> Known:
    workflow = life.create("acme", "wf-1", DOCUMENT, CHANGE)
    return Known(replace(workflow, status=status, version=3, draft=draft), DOCUMENT)


def unpublished() -> Known:
    return Known(life.create("acme", "wf-1", DOCUMENT, CHANGE), None)


@pytest.mark.parametrize(
    ("present", "status", "document", "steps"),
    [
        (None, None, DOCUMENT, ("create",)),
        (None, "paused", DOCUMENT, ("create", "publish")),
        (None, "active", DOCUMENT, ("create", "publish", "activate")),
        (known(), None, DOCUMENT, ()),
        (known(), "active", DOCUMENT, ()),
        (known(), "active", OTHER, ("change-draft", "publish")),
        (known(), "paused", DOCUMENT, ("pause",)),
        (known("paused"), None, OTHER, ("change-draft", "publish")),
        (known("paused"), "active", OTHER, ("change-draft", "publish", "activate")),
        (unpublished(), "draft", DOCUMENT, ()),
        (unpublished(), "draft", OTHER, ("change-draft",)),
        (unpublished(), "active", DOCUMENT, ("publish", "activate")),
    ],
)
def test_the_steps_from_what_is_to_what_a_file_says(
    present: Known | None, status: FileStatus | None, document: dict[str, Any], steps: tuple[str, ...]
) -> None:
    assert plan_workflow(Entry("", None, status, document), present).steps == steps


def test_a_diff_shows_the_lines_that_change_and_a_lost_draft_is_warned_of() -> None:
    planned = plan_workflow(Entry("", "wf-1", None, OTHER), known(draft=DOCUMENT))
    assert "+name: Changed" in planned.diff.splitlines()
    assert planned.warnings


def test_an_export_says_what_is_and_importing_it_changes_nothing() -> None:
    text = export([known()], [MailTemplate("b", "s", "t", None), MailTemplate("a", "s", None, "<p>")])
    read = read_yaml(text.encode())
    assert [template["name"] for template in read["email_templates"]] == ["a", "b"]
    (entry,) = read["workflows"]
    status = entry.pop("status")
    assert (entry.pop("id"), status) == ("wf-1", "active")
    assert plan_workflow(Entry("", "wf-1", status, entry), known()).steps == ()
    assert text == export([known()], [MailTemplate("a", "s", None, "<p>"), MailTemplate("b", "s", "t", None)])
    assert "line 1\n" in text


def test_a_template_is_made_changed_or_left() -> None:
    mail = MailTemplate("a", "s", "t", None)
    assert plan_template(mail, None).action == "create"
    assert plan_template(mail, mail).action == "none"
    assert plan_template(mail, MailTemplate("a", "other", "t", None)).action == "change"


def test_a_template_is_copied_beside_its_name_and_the_actions_own_words_win() -> None:
    document = {
        **DOCUMENT,
        "actions": [{"type": "send_email", "id": "m", "with": {"template": "a", "subject": "own"}}],
    }
    copied = with_templates_copied(document, {"a": MailTemplate("a", "theirs", "text", None)})
    assert copied["actions"][0]["with"] == {"template": "a", "subject": "own", "text": "text"}
    assert document["actions"][0]["with"] == {"template": "a", "subject": "own"}


def action(url: str, action_id: str | None = None) -> dict[str, Any]:
    named = {"type": "webhook", "with": {"url": url}}
    return named if action_id is None else {**named, "id": action_id}


def test_an_action_keeps_its_id_and_a_new_one_never_gets_anothers() -> None:
    before = {"actions": [action("a", "webhook-1"), action("b", "webhook-2")]}
    after = keep_action_ids({"actions": [action("b"), action("new")]}, [before])
    assert [each["id"] for each in after["actions"]] == ["webhook-2", "webhook-3"]
    renamed = keep_action_ids({"actions": [action("c", "webhook-1"), action("a")]}, [before])
    assert [each["id"] for each in renamed["actions"]] == ["webhook-1", "webhook-3"]
    assert keep_action_ids({"actions": "nonsense"}, [before]) == {"actions": "nonsense"}
