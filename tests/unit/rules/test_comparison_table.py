"""The table of ADR 0010, row by row: what a comparison says of every kind of value a CRM may publish."""

from typing import Any

import pytest

from signalbox_rules.record_context import NOT_PUBLISHED
from tests.unit.rules.builders import compiled, context, leaf

ABSENT = object()

# (value in the record, operator, value in the condition, outcome)
TABLE: tuple[tuple[Any, str, Any, bool], ...] = (
    # nothing
    (ABSENT, "is_empty", None, True),
    (None, "is_empty", None, True),
    ("", "is_empty", None, True),
    (" \t", "is_empty", None, True),
    ([], "is_empty", None, True),
    ({}, "is_empty", None, True),
    (0, "is_empty", None, False),
    (False, "is_empty", None, False),
    (ABSENT, "is_not_empty", None, False),
    (0, "is_not_empty", None, True),
    (ABSENT, "equals", "x", False),
    (ABSENT, "not_equals", "x", True),
    (None, "not_in", ["x"], True),
    (None, "not_contains", "x", True),
    ({}, "not_contains", "x", True),
    ([], "not_contains", "x", True),
    (None, "contains", "x", False),
    (None, "greater_than", -1, False),
    (None, "less_than", 1, False),
    ("", "equals", 0, False),
    (None, "equals", "", True),
    # numbers as text
    ("50000.00", "equals", 50000, True),
    ("50,000", "equals", 50000, True),
    ("$50,000", "equals", 50000, True),
    ("€ 50,000.50", "equals", 50000.5, True),
    ("-$5", "equals", -5, True),
    ("$-5", "equals", -5, True),
    (" 7 ", "equals", 7, True),
    ("50,000", "greater_than", 49999, True),
    ("50,000", "greater_than", 50000, False),
    ("50,000", "between", [50000, 60000], True),
    ("9007199254740993", "equals", 9007199254740993, True),
    ("9007199254740993", "equals", 9007199254740992, False),
    ("50.000,00", "equals", 50000, False),
    ("50.000,00", "greater_than", 1, False),
    ("50.000,00", "less_than", 1000000, False),
    ("5,00", "equals", 500, False),
    ("1,2345", "greater_than", 0, False),
    ("1e5", "equals", 100000, False),
    ("007", "equals", 7, False),
    ("50,000 €", "equals", 50000, False),
    ("(5)", "less_than", 0, False),
    ("9" * 41, "greater_than", 0, False),
    ("--5", "less_than", 0, False),
    ("٣", "equals", 3, False),
    ("", "less_than", 1, False),
    (50000, "equals", 50000.0, True),
    (50000, "greater_than", "49,999", True),
    # numbers and text do not meet
    (3, "equals", "3", False),
    (3, "not_equals", "3", True),
    ("3", "equals", "3", True),
    (3, "contains", "3", False),
    (3, "not_contains", "3", False),
    (3, "starts_with", "3", False),
    (" Dr. Ada", "starts_with", " dr. ", True),
    ("Ada@example.com ", "ends_with", "@EXAMPLE.com ", True),
    # truths
    (True, "is_true", None, True),
    ("true", "is_true", None, True),
    ("TRUE ", "is_true", None, True),
    ("False", "is_false", None, True),
    ("yes", "is_true", None, False),
    (1, "is_true", None, False),
    (0, "is_false", None, False),
    (None, "is_false", None, False),
    ("true", "equals", True, True),
    (1, "equals", True, False),
    (True, "equals", 1, False),
    (True, "equals", "true", False),
    (True, "greater_than", 0, False),
    # text
    ("web form", "equals", "Web Form", True),
    (" Web Form ", "equals", "web form", True),
    ("Web  Form", "equals", "Web Form", False),
    ("Cafe\u0301", "equals", "café", True),
    ("STRASSE", "equals", "straße", True),
    ("ΣΊΣΥΦΟΣ", "equals", "σίσυφος", True),
    ("Chief Engineer", "contains", "engineer", True),
    ("Cafe\u0301 de Paris", "contains", "CAFÉ", True),
    ("Dr. Ada", "starts_with", "dr.", True),
    ("ada@EXAMPLE.com", "ends_with", "@example.com", True),
    ("AB-12", "matches", "^[A-Z]{2}-[0-9]+$", True),
    ("ab-12", "matches", "^[A-Z]{2}-[0-9]+$", False),
    ("ab-12", "matches", "(?i)^[A-Z]{2}-[0-9]+$", True),
    ("x AB-12 y", "matches", "[A-Z]{2}-[0-9]+", True),
    (12, "matches", "1", False),
    ("urgent", "in", ["High", "Urgent"], True),
    ("low", "not_in", ["High", "Urgent"], True),
    ("2", "in", [1, 2], True),
    (2, "in", ["1", "2"], False),
    (True, "in", [1], False),
    # dates
    ("2026-11-23", "on", "2026-11-23", True),
    ("2026-11-23T23:59:59Z", "on", "2026-11-23", True),
    ("2026-11-23T23:30:00-05:00", "on", "2026-11-23", False),
    ("2026-11-23T23:30:00-05:00", "on", "2026-11-24", True),
    ("2026-11-23T10:00:00", "on", "2026-11-23T22:00:00Z", True),
    ("2026-11-22T23:59:59Z", "before", "2026-11-23", True),
    ("2026-11-23T00:00:00Z", "before", "2026-11-23", False),
    ("2026-11-23T23:59:59Z", "after", "2026-11-23", False),
    ("2026-11-24T00:00:00Z", "after", "2026-11-23", True),
    ("2026-11-23", "before", "2026-11-23T12:00:00Z", False),
    ("2026-11-22", "before", "2026-11-23T00:00:00Z", True),
    ("2026-11-23T09:00", "before", "2026-11-23T09:00:01Z", True),
    ("2026-11-23", "greater_than", "2026-11-22", True),
    ("2026-11-23T12:00:00Z", "less_or_equal", "2026-11-23", True),
    ("2026-11-30", "between", ["2026-11-01", "2026-11-30"], True),
    ("23/11/2026", "before", "2099-01-01", False),
    ("23/11/2026", "after", "1999-01-01", False),
    (1795428000, "after", "1999-01-01", False),
    ("2026-13-45", "after", "1999-01-01", False),
    ("20261123", "on", "2026-11-23", False),
    ("0001-01-01T00:00:00+14:00", "before", "2026-01-01", False),
    ("9999-12-31", "after", "2026-01-01", True),
    ("9999-12-31", "older_than", "PT1S", False),
    # dates relative to NOW, 2026-11-23T10:00:00Z
    ("2026-11-23T09:59:00Z", "within_last", "PT5M", True),
    ("2026-11-23T09:54:00Z", "within_last", "PT5M", False),
    ("2026-11-23T10:01:00Z", "within_last", "PT5M", False),
    ("2026-11-23", "within_last", "PT5M", True),
    ("2026-11-16T10:00:00Z", "within_last", "P7D", True),
    ("2026-11-16T09:59:59Z", "older_than", "P7D", True),
    ("2026-11-16T10:00:00Z", "older_than", "P7D", False),
    ("2026-11-15", "older_than", "P7D", True),
    ("2026-11-16", "older_than", "P7D", False),
    ("2026-12-01", "within_next", "P8D", True),
    ("2026-12-02", "within_next", "P8D", False),
    ("2026-11-23T10:00:00Z", "within_next", "P1D", True),
    ("2026-10-23T10:00:00Z", "within_last", "P1M", True),
    ("2026-10-23T09:59:59Z", "older_than", "P1M", True),
    ("2026-11-30", "older_than", "PT1S", False),
    (None, "older_than", "P1D", False),
    # lists and objects
    (["A", "B"], "equals", "A", False),
    (["A", "B"], "not_equals", "A", True),
    (["A", "B"], "contains", "b", True),
    (["A", "B"], "not_contains", "b", False),
    (["A", "B"], "in", ["b", "c"], True),
    (["A", "B"], "not_in", ["c"], True),
    (["A", "B"], "equals", ["b", "a"], True),
    (["A", "B"], "equals", ["a"], False),
    ([1, "2"], "contains", 2, True),
    ({"a": 1}, "equals", "a", False),
    ({"a": 1}, "not_equals", "a", True),
    ({"a": 1}, "contains", "a", False),
    ({"a": 1}, "not_contains", "a", False),
    ({"a": 1}, "is_not_empty", None, True),
)


@pytest.mark.parametrize(("actual", "op", "value", "expected"), TABLE)
def test_a_row_of_the_table(actual: Any, op: str, value: Any, expected: bool) -> None:
    record = {} if actual is ABSENT else {"f": actual}
    tree = compiled(leaf("f", op, value))
    assert tree.decide(context(record)) is expected
    verdict = tree.explain(context(record))
    assert verdict.outcome is expected
    assert verdict.sentence.startswith("f ")


# (before, now, operator, value in the condition, outcome)
CHANGES: tuple[tuple[Any, Any, str, Any, bool], ...] = (
    ("New", "Open", "changed", None, True),
    ("New", "New", "changed", None, False),
    ("New", "New", "not_changed", None, True),
    ("ada", "Ada", "changed", None, True),
    (1, 1.0, "changed", None, False),
    (1, True, "changed", None, True),
    ("1", 1, "changed", None, True),
    (None, "", "changed", None, False),
    (ABSENT, None, "changed", None, False),
    ([], {}, "changed", None, False),
    ({"a": [1]}, {"a": [True]}, "changed", None, True),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "changed", None, False),
    ("New", "Open", "changed_to", "open", True),
    ("open", "Open", "changed_to", "Open", False),
    ("New", "Open", "changed_from", "new", True),
    ("New", "Open", "changed_from", "Open", False),
    ("New", "Open", "changed_from_to", {"from": "New", "to": "Open"}, True),
    ("Open", "New", "changed_from_to", {"from": "New", "to": "Open"}, False),
    (None, "Open", "changed_to", "Open", True),
    (1, 2, "increased", None, True),
    ("1,000", 999, "decreased", None, True),
    (1, 1, "increased", None, False),
    (None, 5, "increased", None, False),
    ("2026-11-01", "2026-11-02", "increased", None, True),
    ("2026-11-01", 5, "increased", None, False),
    ("a", "b", "increased", None, False),
)


@pytest.mark.parametrize(("before", "now", "op", "value", "expected"), CHANGES)
def test_a_row_of_the_changes(before: Any, now: Any, op: str, value: Any, expected: bool) -> None:
    record = {} if now is ABSENT else {"f": now}
    previous = {} if before is ABSENT else {"f": before}
    tree = compiled(leaf("f", op, value))
    assert tree.decide(context(record, previous)) is expected
    assert tree.explain(context(record, previous)).outcome is expected


@pytest.mark.parametrize("op", ["changed", "not_changed", "increased", "decreased"])
def test_nothing_is_known_of_a_change_if_the_previous_record_was_not_published(op: str) -> None:
    tree = compiled(leaf("stage", op))
    verdict = tree.explain(context({"stage": "New"}, NOT_PUBLISHED))
    assert not tree.decide(context({"stage": "New"}, NOT_PUBLISHED))
    assert verdict.sentence == "stage: previous not published"


def test_every_field_of_a_created_record_was_empty_before() -> None:
    assert compiled(leaf("stage", "changed_to", "New")).decide(context({"stage": "New"}, None))
    assert compiled(leaf("other", "not_changed")).decide(context({"stage": "New"}, None))


def test_empty_groups() -> None:
    assert compiled({"all": []}).decide(context({}))
    assert not compiled({"any": []}).decide(context({}))
    assert compiled({"not": {"any": []}}).explain(context({})).outcome
    assert compiled({"all": []}).explain(context({})).sentence == "an empty group holds"


@pytest.mark.parametrize("record", [None, 5, "text", [1], True])
def test_what_is_no_object_has_no_fields(record: Any) -> None:
    assert compiled(leaf("f", "is_empty")).decide(context(record, record))
    assert not compiled(leaf("f", "equals", "x")).explain(context(record, record)).outcome


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("owner.team", "North"),
        ("lines[0].sku", "A"),
        ("lines[1].tags[1]", "y"),
        ("lines[2].sku", None),
        ("owner.team.x", None),
        ("lines.sku", None),
        ("owner[0]", None),
    ],
)
def test_a_path_leads_into_objects_and_lists(path: str, expected: Any) -> None:
    record = {"owner": {"team": "North"}, "lines": [{"sku": "A"}, {"sku": "B", "tags": ["x", "y"]}]}
    assert compiled(leaf(path, "is_empty")).decide(context(record)) is (expected is None)
    if expected is not None:
        assert compiled(leaf(path, "equals", expected)).decide(context(record))


@pytest.mark.parametrize(
    ("left", "op", "right", "expected"),
    [
        ("a", "equals", "a ", True),
        (None, "equals", "", True),
        ({}, "equals", [], True),
        (None, "not_equals", None, False),
        (5, "greater_than", "4", True),
        (5, "greater_than", "four", False),
        ("2026-01-02", "after", "2026-01-01", True),
        ("2026-01-02", "after", None, False),
        ("abc", "contains", "", False),
        ("x", "in", ["X"], True),
        ("x", "in", "x", False),
    ],
)
def test_the_value_may_be_another_field(left: Any, op: str, right: Any, expected: bool) -> None:
    tree = compiled(leaf("left", op, {"field": "right"}))
    verdict = tree.explain(context({"left": left, "right": right}))
    assert tree.decide(context({"left": left, "right": right})) is expected
    assert verdict.outcome is expected


def test_a_bound_may_be_another_field() -> None:
    tree = compiled(leaf("amount", "between", [{"field": "low"}, 10]))
    assert tree.decide(context({"amount": 5, "low": 5}))
    assert not tree.decide(context({"amount": 4, "low": 5}))
    assert not tree.decide(context({"amount": 4}))
