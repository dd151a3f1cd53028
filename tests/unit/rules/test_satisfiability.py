"""Which trees are known to hold always or never before any record is seen."""

from typing import Any

import pytest

from signalbox_rules.satisfiability import Possible, possible_outcomes
from tests.unit.rules.builders import condition, leaf

NEVER: tuple[Any, ...] = (
    {"any": []},
    {"all": [leaf("a", "greater_than", 5), leaf("a", "less_than", 3)]},
    {"all": [leaf("a", "greater_than", 5), leaf("a", "less_or_equal", "5")]},
    {"all": [leaf("a", "equals", "x"), leaf("a", "equals", "y")]},
    {"all": [leaf("a", "equals", "X"), leaf("a", "not_equals", " x ")]},
    {"all": [leaf("a", "in", ["x", "y"]), leaf("a", "equals", "z")]},
    {"all": [leaf("a", "is_empty"), leaf("a", "equals", "x")]},
    {"all": [leaf("a", "is_true"), leaf("a", "is_false")]},
    {"all": [leaf("a", "is_true"), leaf("a", "greater_than", 0)]},
    {"all": [leaf("a", "before", "2026-01-01"), leaf("a", "after", "2026-01-01")]},
    {"all": [leaf("a", "on", "2026-01-01"), leaf("a", "on", "2026-01-02")]},
    {"all": [leaf("a", "between", [10, 5])]},
    {"all": [leaf("a", "changed"), leaf("a", "not_changed")]},
    {"all": [leaf("a", "changed_to", "x"), leaf("a", "equals", "y")]},
    {"all": [leaf("a", "increased"), leaf("a", "decreased")]},
    {"not": {"any": [leaf("a", "is_empty"), leaf("a", "is_not_empty")]}},
    {"all": [leaf("b", "equals", 1), {"any": [{"all": [leaf("a", "is_empty"), leaf("a", "is_not_empty")]}]}]},
    {"all": [leaf("a", "contains", "x"), {"not": leaf("a", "contains", "x")}]},
)

ALWAYS: tuple[Any, ...] = (
    {"all": []},
    {"any": [leaf("a", "is_empty"), leaf("a", "is_not_empty")]},
    {"any": [leaf("a", "equals", "x"), leaf("a", "not_equals", "x")]},
    {"any": [leaf("a", "not_equals", "x"), leaf("a", "not_equals", "y")]},
    {"not": {"all": [leaf("a", "equals", 1), leaf("a", "equals", 2)]}},
    {"any": [leaf("a", "matches", "x"), {"not": leaf("a", "matches", "x")}]},
)

BOTH: tuple[Any, ...] = (
    leaf("a", "equals", "x"),
    {"all": [leaf("a", "greater_than", 5), leaf("a", "less_than", 5.5)]},
    {"all": [leaf("a", "greater_than", 5), leaf("b", "less_than", 3)]},
    leaf("a", "greater_than", 1e16),  # 1e16 + 1 is 1e16
    leaf("a", "less_than", -1e16),
    leaf("a", "less_than", 1.7e308),
    {"all": [leaf("a", "greater_than", 2**53), leaf("a", "less_than", 2**53 + 2)]},
    {"all": [leaf("a", "in", ["x"]), leaf("a", "in", ["y"])]},  # a list may have both
    {"all": [leaf("a", "in", ["x"]), leaf("a", "in", ["y"]), leaf("a", "not_in", ["z"])]},
    {"any": [leaf("a", "greater_than", 5), leaf("a", "less_or_equal", 5)]},  # text is neither
    {"any": [leaf("a", "is_true"), leaf("a", "is_false")]},
    {"any": [leaf("a", "changed"), leaf("a", "not_changed")]},  # not published: neither
    {"all": [leaf("a", "after", "2026-01-01"), leaf("a", "before", "2026-01-03")]},
    {"all": [leaf("a", "after", "2026-01-01T10:00:00Z"), leaf("a", "before", "2026-01-01T10:00:01Z")]},
    {"all": [leaf("a", "changed_from_to", {"from": "x", "to": "y"}), leaf("a", "changed")]},
    {"all": [leaf("a", "equals", {"field": "b"}), leaf("a", "not_equals", {"field": "c"})]},
    {"all": [leaf(f"f{n}", "equals", n) for n in range(60)]},  # too many combinations to tell
    {"all": [leaf("a", "in", list(range(900))), leaf("a", "equals", "x")]},  # too many values to tell
)


@pytest.mark.parametrize("tree", NEVER)
def test_impossible_trees(tree: Any) -> None:
    assert possible_outcomes(condition(tree)) is Possible.NEVER


@pytest.mark.parametrize("tree", ALWAYS)
def test_certain_trees(tree: Any) -> None:
    assert possible_outcomes(condition(tree)) is Possible.ALWAYS


@pytest.mark.parametrize("tree", BOTH)
def test_trees_that_decide_something(tree: Any) -> None:
    assert possible_outcomes(condition(tree)) is Possible.BOTH


def test_a_known_value_can_rule_a_tree_out() -> None:
    tree = condition({"all": [leaf("status", "equals", "Hot"), leaf("amount", "greater_than", 5)]})
    assert possible_outcomes(tree, {"status": "Cold"}) is Possible.NEVER
    assert possible_outcomes(tree, {"status": "hot"}) is Possible.BOTH


@pytest.mark.parametrize("number", [10**308, 10**320, -(10**350), 10**399, 1.7e308])
@pytest.mark.parametrize("op", ["equals", "greater_than", "less_than", "changed_to"])
def test_numbers_beyond_a_floats_range_are_judged_without_an_error(op: str, number: float) -> None:
    possible_outcomes(condition({"all": [leaf("amount", op, number), leaf("amount", "less_than", 5)]}))
