"""greater, less and between, over numbers and over dates."""

from collections.abc import Callable
from typing import Any, Final

from signalbox_rules.errors import RulesError
from signalbox_rules.operators.operator import DATES, NUMBERS, Takes, ValueOperator, ValueTest
from signalbox_rules.reading import Moment, is_empty, read_moment, read_number

NumberTest = Callable[[int | float], bool]
MomentTest = Callable[[Moment], bool]


def is_before(left: Moment, right: Moment) -> bool:
    """Is all of the left before the right? An instant of a day is neither before nor after that date."""
    return left.end <= right.start if left.is_date else left.start < right.start


def number_test(test: NumberTest) -> ValueTest:
    """A test of numbers as a test of any value: what cannot be read as a number fails."""

    def read_and_test(actual: Any) -> bool:
        kind = type(actual)
        if kind is int or kind is float:
            return test(actual)
        number = read_number(actual)
        return number is not None and test(number)

    return read_and_test


def moment_test(test: MomentTest) -> ValueTest:
    """A test of moments as a test of any value: what cannot be read as a date fails."""

    def read_and_test(actual: Any) -> bool:
        moment = read_moment(actual)
        return moment is not None and test(moment)

    return read_and_test


def _bound(expected: Any) -> int | float | Moment:
    number = read_number(expected)
    bound = number if number is not None else read_moment(expected)
    if bound is None:
        raise RulesError("must be a number (50000) or a date (2026-11-23)")
    return bound


def greater_than(expected: Any) -> ValueTest:
    """Above a number, or after a date."""
    bound = _bound(expected)
    if isinstance(bound, Moment):
        return moment_test(lambda actual: is_before(bound, actual))

    def is_greater(actual: Any) -> bool:
        kind = type(actual)
        if kind is int or kind is float:
            return actual > bound  # type: ignore[no-any-return]
        number = read_number(actual)
        return number is not None and number > bound

    return is_greater


def less_than(expected: Any) -> ValueTest:
    """Below a number, or before a date."""
    bound = _bound(expected)
    if isinstance(bound, Moment):
        return moment_test(lambda actual: is_before(actual, bound))
    return number_test(lambda actual: actual < bound)


def greater_or_equal(expected: Any) -> ValueTest:
    """At least a number, or not before a date."""
    bound = _bound(expected)
    if isinstance(bound, Moment):
        return moment_test(lambda actual: not is_before(actual, bound))
    return number_test(lambda actual: actual >= bound)


def less_or_equal(expected: Any) -> ValueTest:
    """At most a number, or not after a date."""
    bound = _bound(expected)
    if isinstance(bound, Moment):
        return moment_test(lambda actual: not is_before(bound, actual))
    return number_test(lambda actual: actual <= bound)


def between(expected: Any) -> ValueTest:
    """From low to high, both included (of a date, the whole day)."""
    if type(expected) is not list or len(expected) != 2:
        raise RulesError("must be a list of two, [low, high]")
    low, high = _bound(expected[0]), _bound(expected[1])
    if isinstance(low, Moment) and isinstance(high, Moment):
        return moment_test(lambda actual: not is_before(actual, low) and not is_before(high, actual))
    if isinstance(low, Moment) or isinstance(high, Moment):
        raise RulesError("must be two numbers or two dates, not one of each")
    return number_test(lambda actual: low <= actual <= high)


def ordered_sense(value: Any, expected: Any) -> str | None:
    """Numbers have an order among numbers, dates among dates; other values have none."""
    if is_empty(value):
        return None
    is_number = read_number(value) is not None
    if not is_number and read_moment(value) is None:
        return "which is neither a number nor a date"
    bound = expected[0] if type(expected) is list and expected else expected
    if bound is None or (read_number(bound) is not None) is is_number:
        return None
    return "which is a number, not a date" if is_number else "which is a date, not a number"


_ORDERED: Final = NUMBERS | DATES

ORDERING_OPERATORS: Final = (
    ValueOperator(
        "greater_than",
        "is greater than",
        Takes.ORDERED,
        _ORDERED,
        greater_than,
        lambda value: f", not greater than {value}",
        example=50_000,
        sense=ordered_sense,
    ),
    ValueOperator(
        "greater_or_equal",
        "is at least",
        Takes.ORDERED,
        _ORDERED,
        greater_or_equal,
        lambda value: f", not at least {value}",
        example=50_000,
        sense=ordered_sense,
    ),
    ValueOperator(
        "less_than",
        "is less than",
        Takes.ORDERED,
        _ORDERED,
        less_than,
        lambda value: f", not less than {value}",
        example=100,
        sense=ordered_sense,
    ),
    ValueOperator(
        "less_or_equal",
        "is at most",
        Takes.ORDERED,
        _ORDERED,
        less_or_equal,
        lambda value: f", not at most {value}",
        example=100,
        sense=ordered_sense,
    ),
    ValueOperator(
        "between",
        "is between",
        Takes.RANGE,
        _ORDERED,
        between,
        lambda value: f", not between {value}",
        example=[10, 20],
        sense=ordered_sense,
    ),
)
