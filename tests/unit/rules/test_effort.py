"""Judging is bounded: what would take too long is not begun, and what is usual costs nothing."""

from typing import Any

import pytest

from signalbox_rules.effort import EVENT_STEPS_MAX
from signalbox_rules.errors import TooMuchToJudge
from tests.unit.rules.builders import compiled, context, leaf

HUGE_PATTERN = "((Ä|ö|Ü){1,100}){1,10}q"


@pytest.mark.parametrize(
    ("comparison", "value"),
    [
        (leaf("notes", "matches", HUGE_PATTERN), "Äö" * 30_000),
        (leaf("notes", "contains", "q"), ["abcdef"] * 150_000),
        (leaf("notes", "contains", "q"), "ö" * 1_000_000),
        (leaf("notes", "not_contains", "q"), ["ö" * 1_000] * 1_000),
        (leaf("notes", "starts_with", "q"), "ö" * 1_000_000),
        (leaf("notes", "in", ["a", "b"]), ["c"] * 200_000),
        (leaf("notes", "equals", ["a"] * 1_000), ["a"] * 1_000),
        (leaf("notes", "changed"), [[1, 2]] * 200_000),
    ],
)
def test_one_comparison_that_would_take_too_long_is_not_made(comparison: Any, value: Any) -> None:
    looked_at = context({"notes": value}, {"notes": value})
    for ask in (compiled(comparison).decide, compiled(comparison).explain):
        with pytest.raises(TooMuchToJudge, match="notes is too much to judge"):
            ask(looked_at)
    assert looked_at.effort.left == EVENT_STEPS_MAX, "what was not made is not paid for"


def test_many_comparisons_of_one_event_are_bounded_together() -> None:
    condition = compiled({"any": [leaf("notes", "matches", HUGE_PATTERN)] * 40})
    with pytest.raises(TooMuchToJudge, match="event is too much to judge"):
        condition.explain(context({"notes": "Äö" * 280}))


def test_a_large_record_with_usual_conditions_is_judged() -> None:
    record = {"notes": "word " * 40_000, "tags": ["hot"] * 1_000, "stage": "New"}
    condition = compiled(
        {
            "all": [
                *[leaf("notes", "not_contains", f"unwanted {n}") for n in range(50)],
                leaf("notes", "matches", "(?i)word"),
                leaf("tags", "contains", "hot"),
                leaf("stage", "equals", "New"),
                leaf("tags", "changed"),
            ]
        }
    )
    assert condition.explain(context(record, {**record, "tags": []})).outcome


def test_short_values_spend_nothing() -> None:
    looked_at = context({"notes": "x" * 200, "tags": ["a", "b"]})
    assert not compiled({"any": [leaf("notes", "contains", "q"), leaf("tags", "in", ["q"])]}).decide(
        looked_at
    )
    assert looked_at.effort.left == EVENT_STEPS_MAX
