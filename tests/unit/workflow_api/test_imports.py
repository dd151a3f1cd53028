"""What an import is asked of: a draft may be ahead of the CRM, what is published may not."""

import json
from typing import Any

import pytest

from signalbox_rules.record_catalog import Catalog
from signalbox_runtime.http.problems import Problem
from workflow_api.imports import plan_import

CATALOG = Catalog.from_json(
    [
        json.dumps(
            {
                "module": "leads",
                "fields": [
                    {
                        "name": "source",
                        "label": "Source",
                        "type": "picklist",
                        "options": [{"value": "Web Form"}],
                    }
                ],
                "stages": [],
            }
        ).encode()
    ]
)
AHEAD: dict[str, Any] = {
    "name": "Ahead",
    "trigger": {"module": "leads", "event": "created"},
    "conditions": {"all": [{"field": "source", "op": "equals", "value": "Not offered yet"}]},
    "actions": [{"type": "send_email", "with": {"to": ["a@example.com"], "template": "Not made yet"}}],
}


def refused_at(body: Any) -> list[str]:
    with pytest.raises(Problem) as caught:
        plan_import(body, [], {}, CATALOG)
    assert caught.value.status == 422
    return [place.pointer for place in caught.value.errors]


def test_a_draft_may_be_ahead_of_the_crm_and_of_the_templates() -> None:
    plan = plan_import({"workflows": [{**AHEAD, "status": "draft"}]}, [], {}, CATALOG)
    assert [each.steps for each in plan.workflows] == [("create",)]


def test_what_is_published_may_not() -> None:
    assert refused_at({"workflows": [{**AHEAD, "status": "paused"}]}) == [
        "/workflows/0/actions/0/with/template",
        "/workflows/0/conditions/all/0/value",
    ]


def test_a_template_of_a_file_is_held_to_what_the_api_takes() -> None:
    assert refused_at({"email_templates": [{"name": "Hello", "subject": "two\nlines", "text": "x"}]}) == [
        "/email_templates/0/subject"
    ]
