"""Workflow documents: what is read, what is refused and where, ids given once, bytes that come back."""

from typing import Any

import pytest

from signalbox_contracts.definitions.document import (
    InvalidDefinition,
    WorkflowDefinition,
    from_bytes,
    parse_definition,
    to_bytes,
    to_document,
)
from signalbox_contracts.definitions.durations import parse_duration
from signalbox_contracts.definitions.ids import assign_action_ids
from tests.unit.rules.builders import definition, leaf, workflow


def problems_of(document: Any) -> dict[str, str]:
    with pytest.raises(InvalidDefinition) as caught:
        parse_definition(document)
    assert all(problem.detail for problem in caught.value.problems)
    return {problem.pointer: problem.detail for problem in caught.value.problems}


def nested(levels: int) -> Any:
    tree: Any = leaf("a", "is_empty")
    for _ in range(levels - 1):
        tree = {"not": tree}
    return tree


CHANGE = {"type": "change_field", "with": {"field": "a", "value": 1}}

REFUSED: tuple[tuple[Any, str, str], ...] = (
    (None, "", "must be an object"),
    ([], "", "must be an object"),
    ({}, "/name", "is required"),
    (workflow(name=5), "/name", "must be text"),
    (workflow(name=""), "/name", "must not be empty"),
    (workflow(nmae="x"), "/nmae", "known are name, description, trigger"),
    (workflow(reentry="maybe"), "/reentry", "'avoid' or 'allow'"),
    (workflow(format=2), "/format", "must be 1"),
    (workflow(trigger="leads.created"), "/trigger", "must be an object"),
    (
        workflow(trigger={"module": "leads", "event": "created", "when": 1}),
        "/trigger/when",
        "known are module",
    ),
    (
        workflow(trigger={"module": "leads", "event": "updated", "fields": []}),
        "/trigger/fields",
        "at least 1",
    ),
    (
        workflow(trigger={"module": "leads", "event": "updated", "fields": [1]}),
        "/trigger/fields/0",
        "must be text",
    ),
    (workflow(conditions={"all": [5]}), "/conditions/all/0", "must be an object"),
    (workflow(conditions={"all": "x"}), "/conditions/all", "must be a list"),
    (workflow(conditions={"not": {"any": [{"op": "equals"}]}}), "/conditions/not/any/0/field", "is required"),
    (
        workflow(conditions={**leaf("a", "equals"), "valu": 1}),
        "/conditions/valu",
        "all, any, not, or field, op",
    ),
    (workflow(conditions={"all": [], "any": []}), "/conditions/any", "is not a known key"),
    (workflow(conditions=nested(17)), "/conditions" + "/not" * 16, "at most 16 levels"),
    (
        workflow(conditions={"any": [{"all": [leaf("a", "is_empty")] * 126}] * 4}),
        "/conditions",
        "504 comparisons",
    ),
    (workflow(conditions={"any": [leaf("a", "is_empty")] * 201}), "/conditions/any", "at most 200"),
    (workflow(actions=[]), "/actions", "at least 1"),
    (workflow(actions=[CHANGE] * 51), "/actions", "at most 50"),
    (workflow(actions=[{"with": {}}]), "/actions/0/type", "is required"),
    (workflow(actions=[{**CHANGE, "with": 5}]), "/actions/0/with", "must be an object"),
    (workflow(actions=[{**CHANGE, "id": "9 lives"}]), "/actions/0/id", "must match"),
    (workflow(actions=[{**CHANGE, "id": "x"}, {**CHANGE, "id": "x"}]), "/actions/1/id", "id of action 0"),
    (workflow(actions=[{**CHANGE, "timeout": "15s"}]), "/actions/0/timeout", "PT15S"),
    (workflow(actions=[{**CHANGE, "timeout": "P1M"}]), "/actions/0/timeout", "out of range"),
    (workflow(actions=[{**CHANGE, "timeout": "PT0S"}]), "/actions/0/timeout", "more than nothing"),
    (workflow(actions=[{**CHANGE, "retry": {"attempts": 0}}]), "/actions/0/retry/attempts", "at least 1"),
    (
        workflow(actions=[{**CHANGE, "retry": {"attempts": True}}]),
        "/actions/0/retry/attempts",
        "whole number",
    ),
    (
        workflow(actions=[{**CHANGE, "retry": {"tries": 1}}]),
        "/actions/0/retry/tries",
        "attempts, first_backoff",
    ),
    (workflow(actions=[{**CHANGE, "on_failure": "retry"}]), "/actions/0/on_failure", "'stop' or 'continue'"),
    (workflow(conditions=leaf("a", "equals", float("nan"))), "/conditions/value", "infinite or NaN"),
    (workflow(conditions=leaf("a", "equals", {1, 2})), "/conditions/value", "JSON does not have"),
    (workflow(description="\ud800"), "/description", "Unicode"),
    (workflow(**{"a/b~c": 1}), "/a~1b~0c", "is not a known key"),
    ({**workflow(), True: 1}, "", "which is not text; put it in quotes"),
    (workflow(description="x" * 600_000), "/description", "at most 262,144"),
    (workflow(actions=[{**CHANGE, "with": {"text": "x" * 200_000}}] * 3), "", "at most 524,288"),
    (workflow(actions=[{**CHANGE, "with": {"list": [0] * 30_000}}]), "", "at most 20,000"),
)


@pytest.mark.parametrize(("document", "pointer", "detail"), REFUSED)
def test_what_is_wrong_is_named_with_its_place_and_what_is_allowed(
    document: Any, pointer: str, detail: str
) -> None:
    found = problems_of(document)
    assert pointer in found
    assert detail in found[pointer]


def test_all_problems_are_named_at_once() -> None:
    document = workflow(name="", trigger={}, actions=[{"type": 1, "with": 5}], x=1)
    assert set(problems_of(document)) == {
        "/name",
        "/trigger/module",
        "/trigger/event",
        "/actions/0/type",
        "/actions/0/with",
        "/x",
    }


def test_a_document_that_contains_itself_is_refused() -> None:
    tree: dict[str, Any] = {}
    tree["not"] = tree
    assert problems_of(workflow(conditions=tree))


def test_deep_nesting_is_refused_without_recursion() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    document = workflow(actions=[{**CHANGE, "with": {"value": deep}}])
    assert "nested too deeply" in next(iter(problems_of(document).values()))
    while isinstance(deep, list):  # taken apart by hand: freeing it at once would recurse in C
        deep = deep.pop()


def test_ids_are_given_once_and_never_changed() -> None:
    actions = [{"type": "send_email"}, {"type": "send_email", "id": "send-email-1"}, {"type": "webhook"}]
    once: Any = assign_action_ids({"actions": actions})
    assert [action["id"] for action in once["actions"]] == ["send-email-2", "send-email-1", "webhook-1"]
    moved = {"actions": [{"type": "send_email"}, *reversed(once["actions"])]}
    assert [action["id"] for action in assign_action_ids(moved)["actions"]] == [  # type: ignore[index]
        "send-email-3",
        "webhook-1",
        "send-email-1",
        "send-email-2",
    ]
    assert "id" not in actions[0]


def test_a_definition_comes_back_from_its_bytes() -> None:
    whole = definition(
        trigger={"module": "leads", "event": "stage_changed", "from": "New", "to": ["Won", "Lost"]},
        conditions={"all": [leaf("a", "between", [1, 2.5]), {"not": leaf("b", "is_empty")}]},
        actions=[{**CHANGE, "timeout": "PT15S", "retry": {"attempts": 3}}],
    )
    assert from_bytes(to_bytes(whole)) == whole
    assert to_bytes(from_bytes(to_bytes(whole))) == to_bytes(whole)
    assert whole.trigger.from_ == ("New",)
    assert parse_definition(to_document(whole)) == whole


def test_equal_documents_have_equal_bytes_whatever_the_order_of_keys() -> None:
    document = workflow(description="x")
    turned = dict(reversed(document.items()))
    assert to_bytes(parse_definition(document)) == to_bytes(parse_definition(turned))


def test_a_document_for_people_leaves_defaults_out() -> None:
    assert to_document(definition()) == {
        "name": "Welcome",
        "trigger": {"module": "leads", "event": "created"},
        "actions": [
            {"type": "change_field", "id": "change-field-1", "with": {"field": "priority", "value": "High"}}
        ],
    }


def test_broken_bytes_are_refused() -> None:
    for data in (b"", b"{", b"[]", b"\xff", b'{"name": 1}'):
        with pytest.raises(InvalidDefinition):
            from_bytes(data)


def test_definitions_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        definition().name = "other"
    assert isinstance(definition(), WorkflowDefinition)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1", "1D", "P-1D", "PT1H1D", "P1DT", "p1d", "P1.5D", "P١D", "PT1e3S"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601 duration"):
        parse_duration(text)


def test_durations() -> None:
    assert parse_duration("P1Y2M").months == 14
    assert parse_duration("P1W1DT1H1M1.5S").seconds == 694_861.5
    with pytest.raises(ValueError, match="no fixed number"):
        _ = parse_duration("P1M").seconds
