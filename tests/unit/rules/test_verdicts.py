"""What a verdict tells: the sentence, the tree, and how little of the record it keeps."""

from typing import Any

import msgspec
import pytest

from signalbox_rules.conditions import compile_condition
from signalbox_rules.verdicts import in_words
from tests.unit.rules.builders import compiled, context, leaf

CHANGED_BY_ONE = "f changed from 1,152,921,504,606,846,976 to 1,152,921,504,606,846,977"
TREE = {
    "all": [
        leaf("source", "equals", "Web Form"),
        {"any": [leaf("amount", "greater_than", 50000), leaf("priority", "equals", "Urgent")]},
    ]
}


def test_the_verdict_has_the_shape_of_the_api() -> None:
    verdict = compiled(TREE).explain(context({"source": "Web Form", "amount": 75000, "priority": "Low"}))
    assert msgspec.json.decode(msgspec.json.encode(verdict)) == {
        "outcome": True,
        "sentence": "source was Web Form and amount was 75,000",
        "tree": {
            "all": [
                {
                    "field": "source",
                    "op": "equals",
                    "value": "Web Form",
                    "actual": "Web Form",
                    "previous": None,
                    "outcome": True,
                    "why": "source was Web Form",
                },
                {
                    "any": [
                        {
                            "field": "amount",
                            "op": "greater_than",
                            "value": 50000,
                            "actual": 75000,
                            "previous": None,
                            "outcome": True,
                            "why": "amount was 75,000",
                        },
                        {
                            "field": "priority",
                            "op": "equals",
                            "value": "Urgent",
                            "actual": "Low",
                            "previous": None,
                            "outcome": False,
                            "why": "priority was Low, not Urgent",
                        },
                    ],
                    "outcome": True,
                },
            ],
            "outcome": True,
        },
    }


@pytest.mark.parametrize(
    ("tree", "record", "sentence"),
    [
        (
            TREE,
            {"source": "Web Form", "amount": 42000},
            "amount was 42,000, not greater than 50,000 and priority is not in the record, so not Urgent",
        ),
        (leaf("f", "equals", "x"), {"f": ""}, "f was empty, not x"),
        (leaf("f", "is_empty"), {}, "f is not in the record"),
        (leaf("f", "is_empty"), {"f": 0}, "f was 0, not empty"),
        (leaf("f", "is_not_empty"), {"f": None}, "f was empty"),
        (leaf("f", "not_equals", "x"), {"f": "x"}, "f was x, and had to be something else"),
        (leaf("f", "in", ["a", 2]), {"f": "c"}, "f was c, not one of a, 2"),
        (leaf("f", "between", [10, 20000]), {"f": 5}, "f was 5, not between 10 and 20,000"),
        (
            leaf("f", "greater_than", 1),
            {"f": "50.000,00"},
            "f was 50.000,00, which is neither a number nor a date",
        ),
        (leaf("f", "is_true"), {"f": "yes"}, "f was yes, which is neither true nor false"),
        (leaf("f", "before", "2026-01-01"), {"f": "1/2/26"}, "f was 1/2/26, which is not an ISO 8601 date"),
        (
            leaf("f", "within_last", "P7D"),
            {"f": "2026-01-01"},
            "f was 2026-01-01, not within the last 7 days",
        ),
        (
            leaf("f", "equals", "A"),
            {"f": ["A", "B"]},
            "f was A, B, which is a list; contains and in look inside",
        ),
        (leaf("f", "equals", "3"), {"f": 3}, "f was 3, a number, not the text 3"),
        (leaf("f", "equals", "true"), {"f": True}, "f was true, which is not text"),
        (leaf("f", "equals", ["a"]), {"f": "a"}, "f was a, which is not a list"),
        (leaf("f", "equals", 1), {"f": True}, "f was true, which is not a number"),
        (leaf("f", "equals", 42000), {"f": 41000.0}, "f was 41,000, not 42,000"),
        (
            leaf("f", "greater_than", 5),
            {"f": "2026-01-01"},
            "f was 2026-01-01, which is a date, not a number",
        ),
        (
            leaf("f", "between", ["2026-01-01", "2026-02-01"]),
            {"f": 5},
            "f was 5, which is a number, not a date",
        ),
        (leaf("f", "greater_than", 5), {"f": ""}, "f was empty, not greater than 5"),
        (leaf("f", "before", "2026-01-01"), {"f": " "}, "f was empty, not before 2026-01-01"),
        (leaf("f", "is_true"), {"f": ""}, "f was empty, not true"),
        (leaf("f", "contains", "x"), {}, "f is not in the record, so it does not contain x"),
        ({"not": leaf("f", "equals", "x")}, {"f": "x"}, "f was x, which is ruled out"),
        ({"not": leaf("f", "equals", "x")}, {"f": "y"}, "f was y, not x"),
    ],
)
def test_the_sentence_says_what_was_found_and_what_was_missing(tree: Any, record: Any, sentence: str) -> None:
    assert compiled(tree).explain(context(record)).sentence == sentence


@pytest.mark.parametrize(
    ("tree", "previous", "record", "sentence"),
    [
        (leaf("f", "changed"), {"f": "a"}, {"f": "b"}, "f changed from a to b"),
        (leaf("f", "changed"), {"f": "a"}, {"f": "a"}, "f stayed a"),
        (leaf("f", "changed"), {"f": "1"}, {"f": 1}, "f changed from 1 to 1, of another type"),
        (leaf("f", "changed"), {"f": 1.0}, {"f": 1}, "f stayed 1"),
        (leaf("f", "changed"), {"f": -0.0}, {"f": 0}, "f stayed 0"),
        (leaf("f", "changed"), {"f": None}, {"f": []}, "f stayed empty"),
        (
            leaf("f", "changed"),
            {"f": {"a": 1}},
            {"f": {"a": 2}},
            "f changed beyond what is shown (an object)",
        ),
        (leaf("f", "changed"), {"f": 2**60}, {"f": 2**60 + 1}, CHANGED_BY_ONE),
        (leaf("f", "changed_to", "a"), {"f": "a"}, {"f": "a"}, "f stayed a, which is no change to a"),
        (
            leaf("f", "changed_to", "c"),
            {"f": "a"},
            {"f": "b"},
            "f changed from a to b, which is no change to c",
        ),
        (
            leaf("f", "changed_from_to", {"from": "x", "to": "b"}),
            {"f": "a"},
            {"f": "b"},
            "f changed from a to b, which is no change from x to b",
        ),
        (leaf("f", "increased"), {"f": 2}, {"f": 1}, "f changed from 2 to 1, which is no increase"),
        (
            leaf("f", "increased"),
            {"f": "x"},
            {"f": 1},
            "f changed from x to 1, which is neither a number nor a date",
        ),
        (leaf("f", "changed"), None, {"f": "b"}, "f changed from empty to b"),
    ],
)
def test_the_sentence_of_a_change(tree: Any, previous: Any, record: Any, sentence: str) -> None:
    assert compiled(tree).explain(context(record, previous)).sentence == sentence


def test_a_leaf_shows_the_previous_value_whenever_it_was_published() -> None:
    verdict = compiled(leaf("f", "equals", "b")).explain(context({"f": "b"}, {"f": "a"}))
    assert msgspec.to_builtins(verdict.tree)["previous"] == "a"


def test_without_conditions_everything_holds() -> None:
    assert compile_condition(None).decide(context({}))
    assert msgspec.to_builtins(compile_condition(None).explain(context({}))) == {
        "outcome": True,
        "sentence": "no conditions",
        "tree": None,
    }


def test_a_verdict_is_no_copy_of_the_record() -> None:
    record = {
        "f": "x" * 1_000_000,
        "g": [["y" * 5_000] * 500] * 500,
        "h": {str(n): "z" * 900 for n in range(5_000)},
    }
    tree = {
        "all": [
            leaf("f", "changed"),
            leaf("g", "is_empty"),
            leaf("h", "is_empty"),
            leaf("f", "in", ["a" * 900] * 900),
        ]
    }
    verdict = compiled(tree).explain(context(record, record))
    assert len(msgspec.json.encode(verdict)) < 30_000
    assert len(verdict.sentence) <= 600


def test_a_sentence_of_many_reasons_is_cut() -> None:
    verdict = compiled({"all": [leaf(f"field_{n}", "equals", "x") for n in range(50)]}).explain(context({}))
    assert verdict.sentence.endswith("and 44 more")


@pytest.mark.parametrize(
    ("tree", "record", "sentence"),
    [
        (
            leaf("f", "older_than", "P1Y2M1DT1H30M"),
            {},
            "f is not in the record, so not older than 1 year 2 months 1 day 1 hour 30 minutes",
        ),
        (leaf("f", "less_than", {"field": "g"}), {"f": 9, "g": 5}, "f was 9, not less than g (5)"),
        (
            leaf("f", "less_than", {"field": "g"}),
            {"f": 9, "g": "x"},
            "f cannot be compared: the other value (x) must be a number (50000) or a date (2026-11-23)",
        ),
        (leaf("f", "between", [1, {"field": "g"}]), {"f": 9, "g": 5}, "f was 9, not between 1 and 5"),
    ],
)
def test_the_sentence_of_durations_and_of_other_fields(tree: Any, record: Any, sentence: str) -> None:
    assert compiled(tree).explain(context(record)).sentence == sentence


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (999, "999"),
        (1_000, "1,000"),
        (42_007, "42,007"),
        (999_999, "999,999"),
        (1_000_000, "1,000,000"),
        (-42_000, "-42,000"),
        (42_000.5, "42,000.5"),
        (42_000.0, "42,000"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (1e15, "1e+15"),
        (2**63, "9,223,372,036,854,775,808"),
        (10**400, "a huge number"),
        (True, "true"),
    ],
)
def test_numbers_are_grouped_by_thousands(value: object, words: str) -> None:
    assert in_words(value) == words
