"""Why a comparison came out as it did: what was found, and the sentence a person reads."""

import re
from typing import Any, Final

from signalbox_contracts.definitions.document import Comparison
from signalbox_rules.operators.change import is_same
from signalbox_rules.operators.operator import (
    ChangeOperator,
    Operator,
    Sense,
    Takes,
    Test,
    TimeOperator,
    ValueOperator,
)
from signalbox_rules.paths import MISSING, Path, present, reader_of, value_at
from signalbox_rules.record_context import Explainer, RecordContext
from signalbox_rules.references import is_reference
from signalbox_rules.verdicts import TEXT_SHOWN_MAX, Leaf, in_words, shown

_PART: Final = re.compile(r"([0-9.]+)([A-Z])")


def explainer_of(
    comparison: Comparison, operator: Operator, path: Path, test: Test, expected: Any
) -> Explainer:
    """The explainer of a comparison whose test is prepared from an expected value."""
    miss = operator.miss(value_in_words(operator, expected, comparison.value))
    match operator:
        case ValueOperator():
            return _value_explainer(comparison, expected, operator.sense, path, test, miss, takes_time=False)
        case TimeOperator():
            return _value_explainer(comparison, expected, operator.sense, path, test, miss, takes_time=True)
        case ChangeOperator():
            return _change_explainer(comparison, operator.sense, path, test, miss)


def _value_explainer(
    comparison: Comparison,
    expected: Any,
    sense: Sense,
    path: Path,
    test: Test,
    miss: str,
    *,
    takes_time: bool,
) -> Explainer:
    field, op, value = comparison.field, comparison.op, shown(comparison.value)
    not_there, was = f"{field} is not in the record", f"{field} was "
    not_there_missed = not_there + _of_nothing(miss)
    name: Any = path[0] if len(path) == 1 else None  # nearly always; what is not called below saves a third

    def explain(record: Any, previous: Any, context: RecordContext) -> tuple[Leaf, str]:
        found = record.get(name, MISSING) if name is not None else value_at(record, path)
        before = None
        if previous is not None:
            before = previous.get(name) if name is not None else present(value_at(previous, path))
            kind = type(before)
            if kind is not int and (kind is not str or len(before) > TEXT_SHOWN_MAX):
                before = shown(before)
        if found is MISSING:
            outcome = test(None, context.event_time) if takes_time else test(None)
            why = not_there if outcome else not_there_missed
            return Leaf(field, op, value, None, before, outcome, why), why
        outcome = test(found, context.event_time) if takes_time else test(found)
        actual: Any = found
        if type(found) is str and found and len(found) <= TEXT_SHOWN_MAX and not found.isspace():
            why = was + found  # what most fields hold, without two calls
        else:
            if type(found) is not int:
                actual = shown(found)
            why = was + in_words(actual)
        if not outcome:
            nonsense = sense(found, expected)
            why = f"{why}, {nonsense}" if nonsense else why + miss
        return Leaf(field, op, value, actual, before, outcome, why), why

    return explain


def _change_explainer(comparison: Comparison, sense: Sense, path: Path, test: Test, miss: str) -> Explainer:
    field, op, value, read = comparison.field, comparison.op, shown(comparison.value), reader_of(path)

    def explain(record: Any, previous: Any, _context: RecordContext) -> tuple[Leaf, str]:
        now_value = present(read(record))
        if previous is None:
            why = f"{field}: previous not published"
            return Leaf(field, op, value, shown(now_value), None, False, why), why
        before = present(read(previous))
        outcome = test(now_value, before)
        now_shown, before_shown = shown(now_value), shown(before)
        now_words, before_words = in_words(now_shown), in_words(before_shown)
        if is_same(now_value, before):
            why = f"{field} stayed {now_words}"
        elif now_words != before_words:
            why = f"{field} changed from {before_words} to {now_words}"
        elif type(now_value) is type(before):
            why = f"{field} changed beyond what is shown ({now_words})"
        else:
            why = f"{field} changed from {before_words} to {now_words}, of another type"
        if not outcome:
            nonsense = sense(now_value, None) or sense(before, None)
            why += f", {nonsense}" if nonsense else miss
        return Leaf(field, op, value, now_shown, before_shown, outcome, why), why

    return explain


def _of_nothing(miss: str) -> str:
    """How a sentence goes on after "amount is not in the record"."""
    for start, instead in ((", not ", ", so not "), (", which ", ", so it ")):
        if miss.startswith(start):
            return instead + miss.removeprefix(start)
    return miss


def explainer_of_unfit(comparison: Comparison, path: Path, why: str) -> Explainer:
    """The explainer of a comparison that could not be made with what another field held."""
    read = reader_of(path)

    def explain(record: Any, previous: Any, _context: RecordContext) -> tuple[Leaf, str]:
        before = None if previous is None else shown(present(read(previous)))
        found = shown(present(read(record)))
        return Leaf(comparison.field, comparison.op, shown(comparison.value), found, before, False, why), why

    return explain


def value_in_words(operator: Operator, value: Any, written: Any) -> str:
    """The expected value in a sentence: 10 and 20, from New to Qualified, 7 days, budget (10)."""
    if is_reference(written):
        return f"{written['field']} ({in_words(shown(value))})"
    if operator.takes is Takes.RANGE and type(value) is list and len(value) == 2:
        return f"{in_words(shown(value[0]))} and {in_words(shown(value[1]))}"
    if operator.takes is Takes.FROM_TO and type(value) is dict:
        return f"from {in_words(shown(value.get('from')))} to {in_words(shown(value.get('to')))}"
    if operator.takes is Takes.DURATION:
        return duration_in_words(value)
    return in_words(shown(value))


_UNITS: Final = {
    "Y": "year",
    "M": "month",
    "W": "week",
    "D": "day",
    "TH": "hour",
    "TM": "minute",
    "TS": "second",
}


def duration_in_words(text: str) -> str:
    """An ISO 8601 duration as people say it: P1DT2H is 1 day 2 hours."""
    dates, _, times = text.removeprefix("P").partition("T")
    parts = [(count, unit) for count, unit in _PART.findall(dates)]
    parts.extend((count, f"T{unit}") for count, unit in _PART.findall(times))
    return " ".join(f"{count} {_UNITS[unit]}{'' if count == '1' else 's'}" for count, unit in parts)
