"""changed, changed_to, increased …: the value now against the value before the event."""

from typing import Any, Final

from signalbox_rules.effort import whole_value_steps
from signalbox_rules.errors import RulesError
from signalbox_rules.operators.equality import equals
from signalbox_rules.operators.operator import DATES, EVERY, NUMBERS, ChangeOperator, ChangeTest, Takes
from signalbox_rules.operators.ordering import is_before, ordered_sense
from signalbox_rules.reading import is_empty, read_moment, read_number


def is_same(left: Any, right: Any) -> bool:
    """Are two values of a record the same value? Stricter than equals: `Ada` and `ada` differ, so do 1 and
    true.

    All kinds of empty are the same: a field that was missing and is null did not change.
    """
    if left is right or (is_empty(left) and is_empty(right)):
        return True
    try:
        return _is_same_json(left, right)
    except RecursionError:
        return False


def _is_same_json(left: Any, right: Any) -> bool:
    kind = type(left)
    if kind is dict:
        return (
            type(right) is dict
            and left.keys() == right.keys()
            and all(_is_same_json(value, right[key]) for key, value in left.items())
        )
    if kind is list:
        return type(right) is list and len(left) == len(right) and all(map(_is_same_json, left, right))
    if kind is bool or type(right) is bool:
        return left is right
    return bool(left == right)


def changed(_expected: Any) -> ChangeTest:
    """Is it another value than before?"""
    return lambda now, before: not is_same(now, before)


def not_changed(_expected: Any) -> ChangeTest:
    """Is it the value it was?"""
    return is_same


def changed_to(expected: Any) -> ChangeTest:
    """Is it equal to the expected value, and was not before?"""
    is_expected = equals(expected)
    return lambda now, before: is_expected(now) and not is_expected(before)


def changed_from(expected: Any) -> ChangeTest:
    """Was it equal to the expected value, and is not any more?"""
    is_expected = equals(expected)
    return lambda now, before: is_expected(before) and not is_expected(now)


def changed_from_to(expected: Any) -> ChangeTest:
    """Was it equal to one value, and is equal to another?"""
    if type(expected) is not dict or expected.keys() != {"from", "to"}:
        raise RulesError('must be an object with "from" and "to"')
    was, becomes = equals(expected["from"]), equals(expected["to"])
    return lambda now, before: was(before) and becomes(now) and not is_same(now, before)


def increased(_expected: Any) -> ChangeTest:
    """Is the number greater, or the date later, than before?"""
    return lambda now, before: _is_less(before, now)


def decreased(_expected: Any) -> ChangeTest:
    """Is the number less, or the date earlier, than before?"""
    return lambda now, before: _is_less(now, before)


def _is_less(left: Any, right: Any) -> bool:
    low, high = read_number(left), read_number(right)
    if low is not None and high is not None:
        return low < high
    early, late = read_moment(left), read_moment(right)
    return early is not None and late is not None and is_before(early, late)


def change_steps(value: Any, _expected: Any) -> int:
    """Both values are compared to any depth."""
    return whole_value_steps(value)


_ORDERED: Final = NUMBERS | DATES

CHANGE_OPERATORS: Final = (
    ChangeOperator("changed", "changed", Takes.NOTHING, EVERY, changed, lambda _: "", steps=change_steps),
    ChangeOperator(
        "not_changed", "did not change", Takes.NOTHING, EVERY, not_changed, lambda _: "", steps=change_steps
    ),
    ChangeOperator(
        "changed_to",
        "changed to",
        Takes.ONE,
        EVERY - {"object"},
        changed_to,
        lambda value: f", which is no change to {value}",
        example="Qualified",
        steps=change_steps,
    ),
    ChangeOperator(
        "changed_from",
        "changed from",
        Takes.ONE,
        EVERY - {"object"},
        changed_from,
        lambda value: f", which is no change from {value}",
        example="New",
        steps=change_steps,
    ),
    ChangeOperator(
        "changed_from_to",
        "changed from … to …",
        Takes.FROM_TO,
        EVERY - {"object"},
        changed_from_to,
        lambda value: f", which is no change {value}",
        example={"from": "New", "to": "Qualified"},
        steps=change_steps,
    ),
    ChangeOperator(
        "increased",
        "increased",
        Takes.NOTHING,
        _ORDERED,
        increased,
        lambda _: ", which is no increase",
        sense=ordered_sense,
    ),
    ChangeOperator(
        "decreased",
        "decreased",
        Takes.NOTHING,
        _ORDERED,
        decreased,
        lambda _: ", which is no decrease",
        sense=ordered_sense,
    ),
)
