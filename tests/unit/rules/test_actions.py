"""What each action would send: the rendered parameters, the warnings, and why nothing is sent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from signalbox_contracts.messages import CrmEvent
from signalbox_rules.actions.action import ActionContext
from signalbox_rules.actions.preview import action_context, event_variables, preview
from signalbox_rules.actions.registry import ACTIONS
from signalbox_rules.record_catalog import User
from signalbox_rules.record_context import NOT_PUBLISHED
from signalbox_rules.variables import VARIABLES
from tests.unit.rules.builders import NOW

USERS = {
    "u-1": User("u-1", "Bob", "bob@example.com"),
    "u-2": User("u-2", "Eve", "eve@example.com"),
    "u-3": User("u-3", "Mallory", "no address"),
}
RECORD: dict[str, Any] = {
    "id": "lead-42",
    "name": "Ada",
    "email": "ada@example.com",
    "owner": "u-1",
    "amount": 75000,
    "site": "https://ada.example/a?b=c",
    "due": "2026-12-24",
    "due_at": "2026-12-24T18:00:00+01:00",
    "vacant": "",
    "evil": "x@y.example\r\nBcc: z@y.example",
    "several": "a@x.example, b@x.example",
    "stage": "New",
}

EVENT = CrmEvent(
    tenant_id="acme",
    event_id="evt-1",
    module="leads",
    event="created",
    record_id="lead-42",
    occurred_at_ms=1_795_428_000_000,
    record=b"{}",
)


def made(record: Any = None, users: Any = None) -> ActionContext:
    return action_context(
        record=RECORD if record is None else record,
        previous=NOT_PUBLISHED,
        event=event_variables(EVENT, NOW),
        event_record={"name": "Ada before"},
        event_time=NOW,
        workflow={"id": "w-1", "name": "Welcome", "version": 3},
        run={"id": "r-1"},
        receipts={"erp": {"status": 201}},
        users=USERS if users is None else users,
    )


def sent(type_: str, **parameters: Any) -> dict[str, Any]:
    found = preview(type_, parameters, made())
    assert found.problems == ()
    return found.parameters


def refused(type_: str, **parameters: Any) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.detail) for problem in preview(type_, parameters, made()).problems]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.type)
def test_the_example_of_every_action_can_be_sent(action: Any) -> None:
    found = preview(action.type, action.example, made())
    assert found.problems == ()
    assert found.parameters


def test_a_mail_resolves_users_and_leaves_out_who_is_empty_or_named_twice() -> None:
    found = preview(
        "send_email",
        {
            "to": ["{{ record.owner }}", "{{ record.email }}", "{{ record.vacant }}", "bob@example.com"],
            "cc": ["Eve E. <eve@example.com>"],
            "reply_to": "u-2",
            "subject": "For {{ record.name }} ({{ event.record.name }}) by {{ owner.name }}",
            "text": "{{ workflow.name }} {{workflow.version}} {{run.id}} {{ actions.erp.receipt.status }}",
            "html": "<p>{{ event.id }}</p>",
        },
        made(),
    )
    assert found.parameters == {
        "to": ["bob@example.com", "ada@example.com"],
        "cc": ["Eve E. <eve@example.com>"],
        "bcc": [],
        "reply_to": "eve@example.com",
        "subject": "For Ada (Ada before) by Bob",
        "text": "Welcome 3 r-1 201",
        "html": "<p>evt-1</p>",
    }
    assert found.warnings == ("/to/2: is empty and left out",)


@pytest.mark.parametrize(
    ("recipient", "detail"),
    [
        ("nobody", "neither a mail address nor the id of a user"),
        ("{{ record.evil }}", "neither a mail address"),
        ("{{ record.several }}", "neither a mail address"),
        ("u-3", "the address of user 'u-3'"),
        ("a@" + "x" * 300, "neither a mail address"),
        ("Eve <eve@example.com>, z@example.com", "neither a mail address"),
        ("{{ record.nothing }}", "every one of them was empty"),
    ],
)
def test_who_cannot_be_mailed(recipient: str, detail: str) -> None:
    problems = refused("send_email", to=[recipient], subject="x", text="y")
    assert len(problems) == 1
    assert detail in problems[0][1]


def test_a_mail_template_that_was_not_copied_is_not_sent() -> None:
    assert "publish again" in refused("send_email", to=["u-1"], template="welcome")[0][1]
    assert sent("send_email", to=["u-1"], template="welcome", subject="x", text="y")["subject"] == "x"


def test_a_record_cannot_add_a_header() -> None:
    mail = sent("send_email", to=["u-1"], subject="{{ record.evil }}", text="x")
    assert mail["subject"] == "x@y.example  Bcc: z@y.example"
    request = sent("webhook", url="https://x.example", headers={"X-Name": "{{ record.evil }}"})
    assert request["headers"] == {"X-Name": "x@y.example  Bcc: z@y.example"}


@pytest.mark.parametrize(
    ("parameters", "due_at"),
    [
        ({"due_in": "P1D"}, "2026-11-24T10:00:00Z"),
        ({"due_in": "P3M"}, "2027-02-23T10:00:00Z"),
        ({"due_field": "due"}, "2026-12-24"),
        ({"due_field": "due_at"}, "2026-12-24T17:00:00Z"),
        ({"due_field": "name"}, None),
        ({}, None),
    ],
)
def test_when_a_task_is_due(parameters: Any, due_at: str | None) -> None:
    task = sent("create_task", subject="Call {{ record.name }}", **parameters)
    assert task["subject"] == "Call Ada"
    assert task.get("due_at") == due_at


def test_a_task_needs_a_subject_and_a_user_that_exists() -> None:
    assert refused("create_task", subject="{{ record.vacant }}") == [
        ("/subject", "is empty; a task needs a subject")
    ]
    assert refused("create_task", subject="x", assignee="u-9")[0][0] == "/assignee"
    assert refused("create_task", subject="x", assignee="{{ record.vacant }}")[0][0] == "/assignee"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("High", "High"),
        (None, None),
        (5, 5),
        (True, True),
        ("{{ record.amount }}", 75000),
        ("{{ record.amount | plus: 0.5 }}", 75000.5),
        ("{{ record.nothing }}", None),
        ("{{ record.amount }} EUR", "75000 EUR"),
        (["{{ record.name }}", 1], ["Ada", 1]),
    ],
)
def test_a_changed_field_keeps_the_type_of_its_value(value: Any, expected: Any) -> None:
    assert sent("change_field", field="priority", value=value) == {"field": "priority", "value": expected}


def test_stages_owners_and_notifications() -> None:
    assert sent("move_stage", stage=" next ") == {"stage": "next"}
    assert sent("move_stage", stage="{{ record.stage }}") == {"stage": "New"}
    assert refused("move_stage", stage="{{ record.vacant }}")[0][0] == "/stage"
    assert sent("assign_owner", owner="{{ record.owner }}") == {"owner": "u-1"}
    assert sent("assign_owner", round_robin=["u-1", "u-2", "u-1"]) == {"round_robin": ["u-1", "u-2"]}
    assert refused("assign_owner", owner="u-9")[0][0] == "/owner"
    assert sent("send_notification", to=["{{ record.owner }}"], message="Hi {{ owner.name }}") == {
        "to": ["u-1"],
        "message": "Hi Bob",
    }


def test_without_a_catalog_of_users_any_id_is_taken() -> None:
    found = preview("assign_owner", {"owner": "someone"}, made(users={}))
    assert found.parameters == {"owner": "someone"}
    assert found.problems == ()


def test_a_webhook_keeps_types_in_json_and_encodes_in_urls() -> None:
    request = sent(
        "webhook",
        method="PUT",
        url="https://erp.example/{{ record.name }}/{{ record.site }}",
        headers={"X-Amount": "{{ record.amount }}"},
        body={"amount": "{{ record.amount }}", "name": "{{ record.name }}!", "all": ["{{ record }}"]},
        secret="erp",
    )
    assert request == {
        "method": "PUT",
        "url": "https://erp.example/Ada/https%3A%2F%2Fada.example%2Fa%3Fb%3Dc",
        "headers": {"X-Amount": "75000"},
        "body": {"amount": 75000, "name": "Ada!", "all": [RECORD]},
        "secret": "erp",
    }
    assert sent("webhook", url="{{ record.site }}", form={"a": "{{ record.amount }}"})["form"] == {
        "a": "75000"
    }
    assert sent("webhook", url="{{ record.site }}", raw="<a>{{ record.name }}</a>")["raw"] == "<a>Ada</a>"
    assert sent("webhook", url="{{ record.site }}")["url"] == RECORD["site"]


@pytest.mark.parametrize(
    "site",
    [
        "",
        "file:///etc/passwd",
        "gopher://x",
        "//x.example",
        "https://",
        "https:///x",
        "https://user@x.example/",
        "https://u:p@x.example",
        "https://x.example/\r\nHost: y",
        "https://x.example\\@y",
        "https://[::1",
        "https://x.example:port/",
        "javascript:alert(1)",
        5,
        None,
        ["https://x.example"],
    ],
)
def test_a_url_from_a_record_is_checked_when_it_is_known(site: Any) -> None:
    found = preview("webhook", {"url": "{{ record.site }}"}, made(record={"site": site}))
    assert [problem.pointer for problem in found.problems] == ["/url"]


def test_a_rendering_that_fails_is_a_problem_with_its_place() -> None:
    source = "{% for i in (1..100000) %}x{% endfor %}"
    assert refused("send_email", to=["u-1"], subject="x", text=source)[0][0] == "/text"
    assert refused("webhook", url="https://x", body={"a": source})[0][0] == "/body"
    assert refused("webhook", url="https://x/" + source)[0][0] == "/url"


def test_nothing_raises_whatever_the_parameters_and_the_record_are() -> None:
    odd: tuple[dict[str, Any], ...] = ({}, {"to": 5}, {"url": None}, {"field": [], "value": {}})
    records: tuple[Any, ...] = (None, 5, [], {"owner": ["u-1"]})
    for parameters in odd:
        for record in records:
            context = made(record=record)
            for action in ACTIONS:
                preview(action.type, parameters, context)
                preview(action.type, action.example, context)
    assert preview("send_fax", {}, made()).problems[0].pointer == "/type"


def test_the_time_of_a_task_is_the_events_and_not_the_clocks() -> None:
    late = ActionContext(made().variables, datetime(1999, 1, 1, tzinfo=UTC), USERS)
    assert (
        preview("create_task", {"subject": "x", "due_in": "PT1H"}, late).parameters["due_at"]
        == "1999-01-01T01:00:00Z"
    )


def test_templates_see_what_the_catalog_says_they_see() -> None:
    variables = made().variables.variables
    assert set(variables) == set(VARIABLES)
    for name, inside in VARIABLES.items():
        if inside is not None:
            assert set(variables[name]) == set(inside)
    assert variables["event"]["time"] == "2026-11-23T10:00:00.000Z"
