"""One comparison, compiled: the closure that decides it and the one that explains it."""

from typing import Any

from signalbox_contracts.definitions.document import Comparison
from signalbox_rules.effort import may_be_large
from signalbox_rules.errors import RefusedCondition, RulesError
from signalbox_rules.explanations import explainer_of, explainer_of_unfit
from signalbox_rules.operators.operator import (
    ChangeOperator,
    Operator,
    Takes,
    Test,
    TimeOperator,
    ValueOperator,
)
from signalbox_rules.operators.registry import OPERATORS_BY_NAME
from signalbox_rules.paths import Path, parse_path, present, reader_of
from signalbox_rules.record_context import Decider, Explainer, RecordContext
from signalbox_rules.references import Resolver, compile_references, has_reference
from signalbox_rules.verdicts import in_words, shown


def compile_comparison(comparison: Comparison, pointer: str) -> tuple[Decider, Explainer]:
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
            made = _with_reference(comparison, operator, path)
        else:
            made = _with_literal(comparison, operator, path)
    except RulesError as error:
        raise RefusedCondition(f"{pointer}/value", str(error)) from None
    return _counted(comparison, operator, path, *made) if operator.steps is not None else made


def _counted(
    comparison: Comparison, operator: Operator, path: Path, decide: Decider, explain: Explainer
) -> tuple[Decider, Explainer]:
    """Decider and explainer of an operator that may have much to do: its steps are spent before it begins."""
    steps, expected, field, read = operator.steps, comparison.value, comparison.field, reader_of(path)
    assert steps is not None
    over_change = isinstance(operator, ChangeOperator)

    def spend(record: Any, previous: Any, context: RecordContext) -> None:
        value = read(record)
        if may_be_large(value):
            context.effort.spend(steps(value, expected), field)
        if over_change and previous is not None and may_be_large(before := read(previous)):
            context.effort.spend(steps(before, expected), field)

    def decide_counted(record: Any, previous: Any, context: RecordContext) -> bool:
        spend(record, previous, context)
        return decide(record, previous, context)

    def explain_counted(record: Any, previous: Any, context: RecordContext) -> Any:
        spend(record, previous, context)
        return explain(record, previous, context)

    return decide_counted, explain_counted


def _with_literal(comparison: Comparison, operator: Operator, path: Path) -> tuple[Decider, Explainer]:
    value = comparison.value
    if operator.takes is Takes.NOTHING:
        if value is not None:
            raise RulesError(f"must be left out: {operator.name} compares with nothing")
    elif value is None:
        hint = "; to ask for nothing use is_empty" if operator.takes is Takes.ONE else ""
        raise RulesError(f"is required: {operator.name} takes {operator.takes.value}{hint}")
    test = operator.prepare(value)
    return _decider_of(operator, path, test), explainer_of(comparison, operator, path, test, value)


def _decider_of(operator: Operator, path: Path, test: Test) -> Decider:
    if isinstance(operator, ValueOperator) and len(path) == 1:
        name: Any = path[0]
        return lambda record, _previous, _context: test(record.get(name))  # most leaves: one call less
    read = reader_of(path)
    match operator:
        case ValueOperator():
            return lambda record, _previous, _context: test(present(read(record)))
        case ChangeOperator():
            return lambda record, previous, _context: (
                previous is not None and test(present(read(record)), present(read(previous)))
            )
        case TimeOperator():
            return lambda record, _previous, context: test(present(read(record)), context.event_time)


def _with_reference(comparison: Comparison, operator: Operator, path: Path) -> tuple[Decider, Explainer]:
    """The expected value is read from each record, and prepared as if it had been written in the document."""
    if not operator.accepts_field or operator.takes is Takes.NOTHING:
        raise RulesError(f"must not refer to a field: {operator.name} takes {operator.takes.value}")
    resolve: Resolver = compile_references(comparison.value)

    def decide(record: Any, previous: Any, context: RecordContext) -> bool:
        try:
            test = operator.prepare(resolve(record))
        except RulesError:
            return False
        return _decider_of(operator, path, test)(record, previous, context)

    def explain(record: Any, previous: Any, context: RecordContext) -> Any:
        expected = resolve(record)
        try:
            test = operator.prepare(expected)
        except RulesError as error:
            other = in_words(shown(expected))
            why = f"{comparison.field} cannot be compared: the other value ({other}) {error}"
            return explainer_of_unfit(comparison, path, why)(record, previous, context)
        return explainer_of(comparison, operator, path, test, expected)(record, previous, context)

    return decide, explain
