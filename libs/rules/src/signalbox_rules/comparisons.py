"""One comparison, compiled: the closure that decides it and the one that says why."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from signalbox_contracts.definitions import Comparison
from signalbox_rules.errors import RefusedCondition, RulesError
from signalbox_rules.operators.operator import ChangeOperator, Operator, Takes, TimeOperator, ValueOperator
from signalbox_rules.operators.registry import OPERATORS_BY_NAME
from signalbox_rules.paths import MISSING, Path, parse_path, value_at
from signalbox_rules.references import Resolver, compile_references, has_reference
from signalbox_rules.verdicts import Leaf, in_words, shown

Record = dict[str, Any]
Decided = Callable[[Record, Record | None, datetime], bool]
Judged = Callable[[Record, Record | None, datetime], Leaf]
Prepared = Callable[..., bool]


def compile_comparison(comparison: Comparison, pointer: str) -> tuple[Decided, Judged]:
    """The decider and the explainer of a leaf. Raises RefusedCondition with the place of what it refuses."""
    operator = OPERATORS_BY_NAME.get(comparison.op)
    if operator is None:
        known = ", ".join(OPERATORS_BY_NAME)
        raise RefusedCondition(f"{pointer}/op", f"{comparison.op!r} is not an operator; there are {known}")
    try:
        path = parse_path(comparison.field)
    except RulesError as error:
        raise RefusedCondition(f"{pointer}/field", str(error)) from None
    try:
        if has_reference(comparison.value):
            return _with_reference(comparison, operator, path)
        return _with_literal(comparison, operator, path)
    except RulesError as error:
        raise RefusedCondition(f"{pointer}/value", str(error)) from None


def _with_literal(comparison: Comparison, operator: Operator, path: Path) -> tuple[Decided, Judged]:
    value = comparison.value
    if operator.takes is Takes.NOTHING:
        if value is not None:
            raise RulesError(f"must be left out: {operator.name} compares with nothing")
    elif value is None:
        hint = "; to ask for nothing use is_empty" if operator.takes is Takes.ONE else ""
        raise RulesError(f"is required: {operator.name} takes {operator.takes.value}{hint}")
    test = operator.prepare(value)
    miss = operator.miss(value_in_words(operator, value))

    def judge(record: Record, previous: Record | None, now: datetime) -> Leaf:
        return _judged(comparison.field, operator, path, test, value, miss, record, previous, now)

    return _decider(operator, path, test), judge


def _decider(operator: Operator, path: Path, test: Prepared) -> Decided:
    if len(path) == 1 and isinstance(operator, ValueOperator):
        name = path[0]
        return lambda record, _previous, _now: test(record.get(name))
    match operator:
        case ValueOperator():
            return lambda record, _previous, _now: test(_present(value_at(record, path)))
        case ChangeOperator():
            return lambda record, previous, _now: (
                previous is not None
                and test(_present(value_at(record, path)), _present(value_at(previous, path)))
            )
        case TimeOperator():
            return lambda record, _previous, now: test(_present(value_at(record, path)), now)


def _with_reference(comparison: Comparison, operator: Operator, path: Path) -> tuple[Decided, Judged]:
    if not operator.accepts_field or operator.takes is Takes.NOTHING:
        raise RulesError(f"must not refer to a field: {operator.name} takes {operator.takes.value}")
    resolve: Resolver = compile_references(comparison.value)

    def decide(record: Record, previous: Record | None, now: datetime) -> bool:
        try:
            test = operator.prepare(resolve(record))
        except RulesError:
            return False
        return _decider(operator, path, test)(record, previous, now)

    def judge(record: Record, previous: Record | None, now: datetime) -> Leaf:
        expected = resolve(record)
        try:
            test = operator.prepare(expected)
        except RulesError as error:
            why = f"{comparison.field} cannot be compared: the other value {in_words(expected)} {error}"
            return _leaf(comparison, path, record, previous, outcome=False, why=why)
        miss = operator.miss(value_in_words(operator, expected))
        return _judged(comparison.field, operator, path, test, comparison.value, miss, record, previous, now)

    return decide, judge


def _leaf(
    comparison: Comparison, path: Path, record: Record, previous: Record | None, *, outcome: bool, why: str
) -> Leaf:
    now_value, before = _present(value_at(record, path)), _present(value_at(previous, path))
    return Leaf(
        comparison.field,
        comparison.op,
        shown(comparison.value),
        shown(now_value),
        shown(before),
        outcome,
        why,
    )


def _judged(
    field: str,
    operator: Operator,
    path: Path,
    test: Prepared,
    value: Any,
    miss: str,
    record: Record,
    previous: Record | None,
    now: datetime,
) -> Leaf:
    found = value_at(record, path)
    actual = None if found is MISSING else found
    before = None if previous is None else _present(value_at(previous, path))
    if isinstance(operator, ChangeOperator):
        outcome = previous is not None and test(actual, before)
        why = _why_changed(field, operator, actual, before, previous, miss, outcome=outcome)
    else:
        outcome = test(actual, now) if isinstance(operator, TimeOperator) else test(actual)
        why = _why(field, operator, found, miss, outcome=outcome)
    return Leaf(field, operator.name, shown(value), shown(actual), shown(before), outcome, why)


def _why(field: str, operator: Operator, found: Any, miss: str, *, outcome: bool) -> str:
    if found is MISSING:
        return f"{field} is not in the record" if outcome else f"{field} is not in the record{miss}"
    sentence = f"{field} was {in_words(found)}"
    if outcome:
        return sentence
    nonsense = operator.sense(found)
    return sentence + (f", {nonsense}" if nonsense else miss)


def _why_changed(
    field: str,
    operator: Operator,
    actual: Any,
    before: Any,
    previous: Record | None,
    miss: str,
    *,
    outcome: bool,
) -> str:
    if previous is None:
        return f"{field}: previous not published"
    now_words, before_words = in_words(actual), in_words(before)
    if now_words == before_words:
        sentence = f"{field} stayed {now_words}"
    else:
        sentence = f"{field} changed from {before_words} to {now_words}"
    if outcome:
        return sentence
    nonsense = operator.sense(actual) or operator.sense(before)
    return sentence + (f", {nonsense}" if nonsense else miss)


def value_in_words(operator: Operator, value: Any) -> str:
    """The expected value in a sentence: between 10 and 20, from New to Qualified."""
    if operator.takes is Takes.RANGE and type(value) is list and len(value) == 2:
        return f"{in_words(value[0])} and {in_words(value[1])}"
    if operator.takes is Takes.FROM_TO and type(value) is dict:
        return f"from {in_words(value.get('from'))} to {in_words(value.get('to'))}"
    return in_words(value)


def _present(value: Any) -> Any:
    return None if value is MISSING else value
