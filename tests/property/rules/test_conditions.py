"""Laws of conditions: two interpreters agree, logic is logic, and no record makes anything raise."""

from datetime import date
from typing import Any, Final

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signalbox_contracts.definitions.document import Condition
from signalbox_rules.conditions import CompiledCondition, compile_condition
from signalbox_rules.errors import RefusedCondition
from signalbox_rules.operators.operator import Takes
from signalbox_rules.operators.registry import OPERATORS_BY_NAME
from signalbox_rules.paths import MISSING, parse_path, value_at
from signalbox_rules.reading import read_moment, read_number
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext, record_of
from signalbox_rules.satisfiability import Possible, possible_outcomes
from tests.property.rules.naive import NOTHING, holds
from tests.property.rules.strategies import (
    condition_documents,
    conditions,
    contexts,
    dates,
    leaf_documents,
    moments,
)
from tests.unit.rules.builders import condition, leaf

LAW: Final = settings(max_examples=80, deadline=None)

COMPLEMENTS = (
    ("equals", "not_equals"),
    ("in", "not_in"),
    ("is_empty", "is_not_empty"),
)
COMPLEMENTS_OF_COMPARABLE = (("greater_than", "less_or_equal"), ("less_than", "greater_or_equal"))
COMPARED = {name for pair in (*COMPLEMENTS, *COMPLEMENTS_OF_COMPARABLE) for name in pair}


def compiled(document: Any) -> CompiledCondition:
    """Compiled, or given up if the generator made a comparison that is refused at publish."""
    try:
        return compile_condition(condition(document))
    except RefusedCondition:
        assume(False)
        raise


@given(condition_documents, contexts)
@settings(LAW, max_examples=300)
def test_a_second_interpreter_agrees(document: Any, context: RecordContext) -> None:
    tree = compiled(document)
    previous = context.previous
    if not (previous is None or isinstance(previous, dict)):
        previous = NOTHING
    naive = holds(document, record_of(context.record), previous, context.event_time)
    assert tree.decide(context) is naive


@given(condition_documents, contexts)
@LAW
def test_the_verdict_agrees_with_the_decision_and_is_json(document: Any, context: RecordContext) -> None:
    tree = compiled(document)
    verdict = tree.explain(context)
    assert verdict.outcome is tree.decide(context)
    assert msgspec.json.decode(msgspec.json.encode(verdict))["outcome"] is verdict.outcome
    assert verdict.sentence


@given(condition_documents, condition_documents, contexts)
@LAW
def test_de_morgan(left: Any, right: Any, context: RecordContext) -> None:
    both, either = (
        compiled({"not": {"all": [left, right]}}),
        compiled({"any": [{"not": left}, {"not": right}]}),
    )
    assert both.decide(context) is either.decide(context)
    neither, none = (
        compiled({"not": {"any": [left, right]}}),
        compiled({"all": [{"not": left}, {"not": right}]}),
    )
    assert neither.decide(context) is none.decide(context)


@given(condition_documents, contexts)
@LAW
def test_double_negation(document: Any, context: RecordContext) -> None:
    assert compiled({"not": {"not": document}}).decide(context) is compiled(document).decide(context)


@given(st.lists(condition_documents, max_size=4), st.sampled_from(["all", "any"]), st.randoms(), contexts)
@LAW
def test_the_order_of_members_does_not_matter(
    members: Any, group: str, random: Any, context: RecordContext
) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)
    assert compiled({group: members}).decide(context) is compiled({group: shuffled}).decide(context)


@given(leaf_documents.filter(lambda document: document["op"] in COMPARED), contexts)
@LAW
def test_complements_where_they_are_defined(document: Any, context: RecordContext) -> None:
    for one, other in (*COMPLEMENTS, *COMPLEMENTS_OF_COMPARABLE):
        if document["op"] not in (one, other):
            continue
        left, right = compiled({**document, "op": one}), compiled({**document, "op": other})
        if (one, other) in COMPLEMENTS:
            if not _is_unfit(document, context):
                assert left.decide(context) is not right.decide(context)
        else:
            assert not (left.decide(context) and right.decide(context))
            if _are_comparable(document, context):
                assert left.decide(context) or right.decide(context)


def _is_unfit(document: Any, context: RecordContext) -> bool:
    """Does the value refer to a field that holds something nothing can be compared with?"""
    return "cannot be compared" in compiled(document).explain(context).sentence


def _are_comparable(document: Any, context: RecordContext) -> bool:
    record, value = record_of(context.record), document["value"]
    expected = value_at(record, parse_path(value["field"])) if isinstance(value, dict) else value
    actual = value_at(record, parse_path(document["field"]))
    if MISSING in (actual, expected):
        return False
    if read_number(expected) is not None:
        return read_number(actual) is not None
    return read_moment(actual) is not None and read_moment(expected) is not None


@given(dates, st.dates().map(date.isoformat), moments)
@LAW
def test_a_date_is_before_on_or_after_a_date_and_only_one_of_them(actual: str, day: str, now: Any) -> None:
    assume(read_moment(actual) is not None)
    context = RecordContext({"f": actual}, NOT_PUBLISHED, now)
    outcomes = [compiled(leaf("f", op, day)).decide(context) for op in ("before", "on", "after")]
    assert sum(outcomes) == 1


@given(dates, st.sampled_from(["PT5M", "P1D", "P1M"]), moments)
@LAW
def test_a_past_date_is_within_the_last_or_older(actual: str, duration: str, now: Any) -> None:
    moment = read_moment(actual)
    assume(moment is not None and moment.start <= now)
    context = RecordContext({"f": actual}, NOT_PUBLISHED, now)
    within, older = (
        compiled(leaf("f", op, duration)).decide(context) for op in ("within_last", "older_than")
    )
    assert within is not older


@given(conditions, contexts)
@settings(LAW, max_examples=150)
def test_a_tree_that_is_called_impossible_or_certain_is(tree: Condition, context: RecordContext) -> None:
    try:
        decided = compile_condition(tree).decide(context)
    except RefusedCondition:
        return
    match possible_outcomes(tree):
        case Possible.NEVER:
            assert not decided
        case Possible.ALWAYS:
            assert decided
        case Possible.BOTH:
            pass


def test_every_operator_is_generated() -> None:
    """The strategies cover the registry: a new operator is in the laws as soon as it is registered."""
    assert {operator.takes for operator in OPERATORS_BY_NAME.values()} <= set(Takes)
