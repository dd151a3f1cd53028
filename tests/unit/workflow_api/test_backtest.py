"""What a backtest counts and whom it blames."""

from datetime import UTC, datetime
from typing import Any

import pytest

from signalbox_contracts.definitions.document import WorkflowDefinition, parse_definition
from signalbox_rules.record_context import RecordContext
from workflow_api.domain.backtest import SAMPLES_MAX, Backtest, PastEvent
from workflow_api.domain.blame import Leaves

SOURCE = {"field": "source", "op": "equals", "value": "Web"}
LARGE = {"field": "amount", "op": "greater_than", "value": 10}
URGENT = {"field": "priority", "op": "equals", "value": "Urgent"}


def definition(conditions: Any, event: str = "updated") -> WorkflowDefinition:
    document = {
        "name": "w",
        "trigger": {"module": "leads", "event": event},
        "actions": [{"type": "send_notification", "with": {"to": ["u-1"], "message": "m"}}],
    }
    if conditions is not None:
        document["conditions"] = conditions
    return parse_definition(document)


def context(**record: Any) -> RecordContext:
    return RecordContext(record, None, datetime(2026, 11, 23, tzinfo=UTC))


def past(event: str = "updated", **record: Any) -> PastEvent:
    return PastEvent("e", event, "r", context(**record))


@pytest.mark.parametrize(
    ("condition", "record", "pointers"),
    [
        ({"all": [SOURCE, LARGE]}, {"source": "Web", "amount": 1}, ["/conditions/all/1"]),
        ({"all": [SOURCE, LARGE]}, {}, ["/conditions/all/0", "/conditions/all/1"]),
        ({"any": [LARGE, URGENT]}, {}, ["/conditions/any/0", "/conditions/any/1"]),
        ({"all": [SOURCE, {"any": [LARGE, URGENT]}]}, {"amount": 11}, ["/conditions/all/0"]),
        ({"not": SOURCE}, {"source": "Web"}, ["/conditions/not"]),
        (
            {"not": {"all": [SOURCE, LARGE]}},
            {"source": "Web", "amount": 11},
            ["/conditions/not/all/0", "/conditions/not/all/1"],
        ),
        ({"not": {"any": [SOURCE, LARGE]}}, {"amount": 11}, ["/conditions/not/any/1"]),
        (SOURCE, {}, ["/conditions"]),
        ({"any": []}, {}, []),
    ],
)
def test_the_leaves_to_blame_for_a_no(condition: Any, record: dict[str, Any], pointers: list[str]) -> None:
    leaves = Leaves(definition(condition).conditions)
    meaning = leaves.meaning(leaves.pattern(context(**record)))
    assert [leaf.pointer for leaf in meaning.blamed] == pointers
    assert not meaning.outcome


def test_events_are_counted_by_what_would_become_of_them() -> None:
    backtest = Backtest(definition({"all": [SOURCE]}, "created"), None)
    for event, source in (("created", "Web"), ("created", "Mail"), ("created", "Web"), ("updated", "Web")):
        backtest.feed(past(event, source=source))
    result = backtest.result()
    assert (result["matched"], result["would_run"], result["would_skip"]) == (3, 2, 1)
    assert result["skipped_by_leaf"][0]["count"] == 1
    assert result["actions"][0]["count"] == 2
    assert result["compared"] is None


def test_a_trigger_takes_the_more_specific_events_in() -> None:
    backtest = Backtest(definition(None, "updated"), None)
    for event in ("updated", "stage_changed", "converted", "created"):
        backtest.feed(past(event))
    assert backtest.result()["would_run"] == 3


def test_runs_are_compared_with_those_of_the_version() -> None:
    backtest = Backtest(definition(LARGE), definition(SOURCE))
    for source, amount in (("Web", 11), ("Web", 1), ("Mail", 11), ("Mail", 1)):
        backtest.feed(past(source=source, amount=amount))
    compared = backtest.result()["compared"]
    assert (compared["both"], compared["now_only"], compared["then_only"]) == (1, 1, 1)
    assert compared["samples_now_only"][0]["would_run"] is False


def test_samples_are_few() -> None:
    backtest = Backtest(definition(LARGE), None)
    for amount in range(200):
        backtest.feed(past(amount=amount))
    assert len(backtest.result()["samples"]) == 2 * min(SAMPLES_MAX, 11) + SAMPLES_MAX - 11


def test_more_patterns_than_are_kept_apart_are_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow_api.domain.backtest.PATTERNS_MAX", 2)
    backtest = Backtest(definition({"any": [SOURCE, LARGE, URGENT]}), None)
    for _ in range(3):
        for number in range(8):
            record: dict[str, Any] = {
                "source": "Web" if number & 1 else "",
                "amount": 11 if number & 2 else 0,
                "priority": "Urgent" if number & 4 else "",
            }
            backtest.feed(past(**record))
    result = backtest.result()
    assert (result["would_run"], result["would_skip"]) == (21, 3)
    assert [leaf["count"] for leaf in result["skipped_by_leaf"]] == [3, 3, 3]
    assert backtest.result() == result
