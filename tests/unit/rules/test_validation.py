"""What is said about a workflow's meaning before it is published."""

import json
from typing import Any

import pytest

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.errors import RulesError
from signalbox_rules.record_catalog import Catalog
from signalbox_rules.validation import validate, validate_document
from tests.unit.rules.builders import definition, leaf, workflow

CATALOG = Catalog.from_json(
    [
        json.dumps(
            {
                "module": "leads",
                "fields": [
                    {
                        "name": "source",
                        "type": "picklist",
                        "label": "Source",
                        "options": ["Web Form", "Phone"],
                    },
                    {"name": "tags", "type": "multi_picklist", "options": [{"value": "a", "label": "A"}]},
                    {"name": "amount", "type": "money"},
                    {"name": "name", "type": "text"},
                    {"name": "urgent", "type": "boolean"},
                    {"name": "due", "type": "date"},
                    {"name": "owner", "type": "user"},
                    {"name": "address", "type": "object"},
                    {"name": "stage", "type": "picklist"},
                    {"name": "odd", "type": "hologram"},
                    {"name": "closed_at", "type": "datetime"},
                    {"name": "team.name", "type": "text"},
                ],
                "stages": ["New", "Qualified"],
            }
        ).encode()
    ],
    b'[{"id":"u-1","name":"Bob","email":"bob@example.com"}]',
)


def found(**changes: Any) -> list[Problem]:
    return validate(definition(**changes), CATALOG)


def action(type_: str, **parameters: Any) -> dict[str, Any]:
    return {"actions": [{"type": type_, "with": parameters}]}


def test_a_good_workflow_has_no_problems() -> None:
    document = workflow(
        trigger={"module": "leads", "event": "stage_changed", "from": "New", "to": "qualified"},
        conditions={"all": [leaf("source", "equals", "web form"), leaf("address.city", "equals", "Rome")]},
        actions=[
            {
                "type": "webhook",
                "id": "erp",
                "with": {"url": "https://erp.example/{{ record.id }}", "secret": "s"},
            },
            {
                "type": "send_email",
                "with": {
                    "to": ["{{ record.owner }}", "u-1", "Ada <ada@example.com>"],
                    "subject": "{{ record.name }} {{ actions.erp.receipt.status }}",
                    "text": "{{ owner.name }} {{ event.record.amount | money }} "
                    "{% for t in record.tags %}{{ t }}{% endfor %}",
                },
            },
            {"type": "create_task", "with": {"subject": "Call", "due_field": "due", "assignee": "u-1"}},
            {"type": "change_field", "with": {"field": "source", "value": "Phone"}},
            {"type": "move_stage", "with": {"stage": "next"}},
            {"type": "assign_owner", "with": {"round_robin": ["u-1"]}},
            {
                "type": "send_notification",
                "with": {"to": ["u-1"], "message": "{{ workflow.name }} {{ run.id }}"},
            },
        ],
    )
    assert validate_document(document, CATALOG)[1] == []
    assert validate_document(document, None)[1] == []


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        (
            {"trigger": {"module": "deals", "event": "created"}},
            "/trigger/module",
            "there are leads, opportunities",
        ),
        (
            {"trigger": {"module": "tasks", "event": "updated"}},
            "/trigger/event",
            "there are created, completed",
        ),
        (
            {"trigger": {"module": "leads", "event": "created", "fields": ["a"]}},
            "/trigger/fields",
            "only for the event updated",
        ),
        (
            {"trigger": {"module": "leads", "event": "updated", "to": "New"}},
            "/trigger/to",
            "only for the event stage_changed",
        ),
        (
            {"trigger": {"module": "leads", "event": "updated", "fields": ["a..b"]}},
            "/trigger/fields/0",
            "not a field path",
        ),
        (
            {"trigger": {"module": "leads", "event": "stage_changed", "to": "Wno"}},
            "/trigger/to",
            "there are New, Qualified",
        ),
        ({"conditions": leaf("name", "is_like", "x")}, "/conditions/op", "not an operator"),
        ({"conditions": leaf("a[x]", "is_empty")}, "/conditions/field", "not a field path"),
        ({"conditions": leaf("a.b.c.d.e.f.g.h.i.j.k", "is_empty")}, "/conditions/field", "at most 10"),
        ({"conditions": leaf("name", "equals")}, "/conditions/value", "is required"),
        ({"conditions": leaf("name", "is_empty", 1)}, "/conditions/value", "must be left out"),
        ({"conditions": leaf("name", "equals", {"x": 1})}, "/conditions/value", "must be text, a number"),
        ({"conditions": leaf("name", "in", "x")}, "/conditions/value", "must be a list"),
        ({"conditions": leaf("name", "in", list(range(1_001)))}, "/conditions/value", "at most 1,000"),
        ({"conditions": leaf("name", "in", [[1]])}, "/conditions/value", "without lists"),
        ({"conditions": leaf("amount", "between", [1])}, "/conditions/value", "[low, high]"),
        (
            {"conditions": leaf("amount", "between", [1, "2026-01-01"])},
            "/conditions/value",
            "two numbers or two dates",
        ),
        (
            {"conditions": leaf("amount", "greater_than", "lots")},
            "/conditions/value",
            "a number (50000) or a date",
        ),
        ({"conditions": leaf("due", "before", "soon")}, "/conditions/value", "must be a date"),
        ({"conditions": leaf("due", "within_last", "7 days")}, "/conditions/value", "ISO 8601 duration"),
        (
            {"conditions": leaf("due", "within_last", {"field": "name"})},
            "/conditions/value",
            "must not refer to a field",
        ),
        ({"conditions": leaf("name", "starts_with", " ")}, "/conditions/value", "not empty"),
        ({"conditions": leaf("name", "matches", "(?=x)")}, "/conditions/value", "RE2 refuses"),
        ({"conditions": leaf("name", "matches", "((a{1000}){1000})")}, "/conditions/value", "RE2 refuses"),
        ({"conditions": leaf("name", "matches", "x" * 1_001)}, "/conditions/value", "at most 1,000"),
        (
            {"conditions": leaf("stage", "changed_from_to", {"to": "New"})},
            "/conditions/value",
            '"from" and "to"',
        ),
        ({"conditions": leaf("name", "greater_than", 5)}, "/conditions/op", "does not fit name"),
        ({"conditions": leaf("amount", "contains", "5")}, "/conditions/op", "does not fit amount"),
        ({"conditions": leaf("amount", "equals", "50000")}, "/conditions/value", "without quotes"),
        (
            {"conditions": leaf("urgent", "equals", "true")},
            "/conditions/value",
            "true or false without quotes",
        ),
        (
            {"conditions": {"all": [leaf("source", "in", ["Phone", "Fax"])]}},
            "/conditions/all/0/value/1",
            "there are Web Form, Phone",
        ),
        (
            {"conditions": leaf("stage", "changed_from_to", {"from": "New", "to": "Wno"})},
            "/conditions/value/to",
            "New, Qualified",
        ),
        ({"conditions": {"any": []}}, "/conditions", "can never hold"),
        (action("send_fax"), "/actions/0/type", "there are send_email"),
        (action("move_stage"), "/actions/0/with/stage", "is required"),
        (action("move_stage", stage="Wno"), "/actions/0/with/stage", "New, Qualified"),
        (action("change_field", field="source", value="Fax"), "/actions/0/with/value", "Web Form, Phone"),
        (action("change_field", field="a b[", value=1), "/actions/0/with/field", "not a field path"),
        (action("assign_owner"), "/actions/0/with", "needs owner or round_robin"),
        (action("assign_owner", owner="u-9"), "/actions/0/with/owner", "not the id of a user"),
        (
            action("assign_owner", round_robin=["u-1", "u-9"]),
            "/actions/0/with/round_robin/1",
            "not the id of a user",
        ),
        (
            action("send_notification", to=["u-9"], message="x"),
            "/actions/0/with/to/0",
            "not the id of a user",
        ),
        (action("create_task", subject="x", due_in="1 day"), "/actions/0/with/due_in", "ISO 8601 duration"),
        (action("create_task", subject="x", due_in="P1D", due_field="due"), "/actions/0/with", "keep one"),
        (action("send_email", to=[], subject="x", text="y"), "/actions/0/with/to", "at least 1"),
        (
            action("send_email", to=["u-1"], subject="x"),
            "/actions/0/with",
            "needs a subject and a text or html",
        ),
        (
            action("send_email", to=["nobody"], subject="x", text="y"),
            "/actions/0/with/to/0",
            "neither a mail address",
        ),
        (action("send_email", to=["u-1"], subject="a\nb", text="y"), "/actions/0/with/subject", "line break"),
        (
            action("send_email", to=["u-1"], subject="x", text="a\n{{ recrod.x }}"),
            "/actions/0/with/text",
            "line 2: there is no variable",
        ),
        (
            action("send_email", to=["u-1"], subject="x", text="{{ owner.phone }}"),
            "/actions/0/with/text",
            "owner has id, name, email",
        ),
        (
            action("send_email", to=["u-1"], subject="x", html="{{ 1 | shout }}"),
            "/actions/0/with/html",
            "no filter 'shout'",
        ),
        (
            action("send_email", to=["u-1"], subject="x", html="{{ 1 | plus }}"),
            "/actions/0/with/html",
            "'plus' missing",
        ),
        ({"conditions": leaf("amount", "greater_than", "2026-01-01")}, "/conditions/value", "with a number"),
        (
            {"conditions": leaf("amount", "between", [1, "2026-01-01"])},
            "/conditions/value",
            "not one of each",
        ),
        ({"conditions": leaf("due", "less_than", 5)}, "/conditions/value", "with a date"),
        ({"conditions": leaf("tags", "contains", "b")}, "/conditions/value", "not a value of tags"),
        ({"conditions": leaf("source", "equals", ["Phone"])}, "/conditions/value", "never equal to a list"),
        (action("change_field", field="stage", value="Nope"), "/actions/0/with/value", "there are New"),
        (
            action("send_email", to=["u-1"], subject="x", text="{% if %}"),
            "/actions/0/with/text",
            "is no template: line 1",
        ),
        (
            action("send_email", to=["u-1"], subject="x", text="{{ actions.later.receipt }}"),
            "/actions/0/with/text",
            "no earlier action",
        ),
        (action("webhook", url="ftp://x/"), "/actions/0/with/url", "https:// or http://"),
        (action("webhook", url="/leads"), "/actions/0/with/url", "absolute URL"),
        (action("webhook", url="https://u:p@x/"), "/actions/0/with/url", "user name or password"),
        (action("webhook", url="https://x/ y"), "/actions/0/with/url", "white space"),
        (action("webhook", url="https://x:99999/"), "/actions/0/with/url", "Port"),
        (action("webhook", url="{{ record.a }}", method="BREW"), "/actions/0/with/method", "'GET', 'POST'"),
        (action("webhook", url="x{{ record.a }}"), "/actions/0/with/url", "must start with https://"),
        (
            action("webhook", url="https://x", headers={"a b": "c"}),
            "/actions/0/with/headers/a b",
            "not a name",
        ),
        (
            action("webhook", url="https://x", headers={"Webhook-Id": "c"}),
            "/actions/0/with/headers/Webhook-Id",
            "leave it out",
        ),
        (action("webhook", url="https://x", body={}, raw="x"), "/actions/0/with", "keep one"),
        (action("webhook", url="https://x", method="GET", raw="x"), "/actions/0/with", "use POST"),
        (
            action("webhook", url="https://x", body={"a": ["{{ nope }}"]}),
            "/actions/0/with/body/a/0",
            "no variable 'nope'",
        ),
        (action("webhook", url="https://x", bdoy=1), "/actions/0/with/bdoy", "known are url, method"),
        (
            {"actions": [{"type": "webhook", "with": {"url": "https://x"}, "timeout": "PT1H"}]},
            "/actions/0/timeout",
            "at most 120",
        ),
    ],
)
def test_errors(changes: Any, pointer: str, detail: str) -> None:
    errors = [problem for problem in found(**changes) if problem.severity == "error"]
    assert [problem.pointer for problem in errors] == [pointer]
    assert detail in errors[0].detail


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"conditions": leaf("budget", "is_empty")}, "/conditions/field"),
        ({"conditions": leaf("name", "equals", {"field": "nick"})}, "/conditions/value"),
        ({"conditions": {"all": []}}, "/conditions"),
        ({"conditions": leaf("due", "equals", "23/11/2026")}, "/conditions/value"),
        ({"conditions": leaf("due", "changed_to", "tomorrow")}, "/conditions/value"),
        ({"conditions": leaf("closed_at", "equals", "2026-11-23")}, "/conditions/value"),
        ({"conditions": leaf("amount.currency", "equals", "EUR")}, "/conditions/field"),
        ({"conditions": leaf("team.size", "equals", 5)}, "/conditions/field"),
        ({"trigger": {"module": "leads", "event": "updated", "fields": ["budget"]}}, "/trigger/fields/0"),
        (action("change_field", field="budget", value=1), "/actions/0/with/field"),
        (action("create_task", subject="{{ record.budget }}"), "/actions/0/with/subject"),
        (action("create_task", subject="x", due_field="budget"), "/actions/0/with/due_field"),
    ],
)
def test_warnings(changes: Any, pointer: str) -> None:
    changes = {"actions": [{"type": "move_stage", "with": {"stage": "next"}}], **changes}
    assert [(problem.pointer, problem.severity) for problem in found(**changes)] == [(pointer, "warning")]


@pytest.mark.parametrize(
    "leaf_",
    [
        leaf("due", "equals", "2026-11-23"),
        leaf("closed_at", "greater_than", "2026-11-23"),
        leaf("amount", "greater_than", "50,000"),
        leaf("source", "contains", "web"),
        leaf("tags", "contains", "A"),
        leaf("address.city", "equals", "Rome"),
        leaf("team", "is_not_empty"),
        leaf("team.name", "equals", "North"),
        leaf("odd", "between", ["2026-01-01", "2026-02-01"]),
        leaf("stage", "changed_from_to", {"from": "new", "to": "qualified"}),
    ],
)
def test_conditions_that_fit_are_let_through(leaf_: Any) -> None:
    assert found(conditions=leaf_, **action("move_stage", stage="next")) == []


def test_nothing_is_said_about_fields_of_a_type_or_a_module_that_is_not_known() -> None:
    change = {"actions": [{"type": "move_stage", "with": {"stage": "Whatever"}}]}
    assert found(conditions=leaf("odd", "greater_than", 5), **action("move_stage", stage="next")) == []
    assert validate(definition(trigger={"module": "tasks", "event": "created"}, **change), CATALOG) == []


def test_the_meaning_of_the_right_parts_is_looked_at_even_if_the_shape_of_others_is_wrong() -> None:
    document = workflow(
        name=5,
        conditions=leaf("name", "matches", "("),
        actions=[{"type": "nope"}, {"type": 1}, {"type": "webhook", "with": {"url": "nowhere"}}],
    )
    read, problems = validate_document(document, CATALOG)
    assert read is None
    assert [problem.pointer for problem in problems] == [
        "/name",
        "/actions/1/type",
        "/conditions/value",
        "/actions/0/type",
        "/actions/2/with/url",
    ]
    assert validate_document([], CATALOG)[0] is None


@pytest.mark.parametrize("document", [b"", b"[]", b'{"fields": []}', b'{"module": 5}', b"\xff"])
def test_an_unreadable_catalog_is_named(document: bytes) -> None:
    with pytest.raises(RulesError, match="not readable"):
        Catalog.from_json([document])
    with pytest.raises(RulesError, match="not readable"):
        Catalog.from_json([], b"{}")
