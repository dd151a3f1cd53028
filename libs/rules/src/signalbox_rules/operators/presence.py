"""is_empty, is_true and their opposites."""

from typing import Any, Final

from signalbox_rules.operators.operator import BOOLEANS, EVERY, Takes, ValueOperator, ValueTest
from signalbox_rules.reading import is_empty, read_truth


def empty(_expected: Any) -> ValueTest:
    """Missing, null, white space only, or a list or object without members."""
    return is_empty


def not_empty(_expected: Any) -> ValueTest:
    """Anything else."""
    return lambda actual: not is_empty(actual)


def true(_expected: Any) -> ValueTest:
    """true, or the text `true`."""
    return lambda actual: read_truth(actual) is True


def false(_expected: Any) -> ValueTest:
    """false, or the text `false`; nothing is neither true nor false."""
    return lambda actual: read_truth(actual) is False


def truth_sense(value: Any, _expected: Any) -> str | None:
    """Only true and false are truths: 1, yes and on are not guessed at."""
    return None if is_empty(value) or read_truth(value) is not None else "which is neither true nor false"


PRESENCE_OPERATORS: Final = (
    ValueOperator("is_empty", "is empty", Takes.NOTHING, EVERY, empty, lambda _: ", not empty"),
    ValueOperator("is_not_empty", "is not empty", Takes.NOTHING, EVERY, not_empty, lambda _: ""),
    ValueOperator(
        "is_true", "is true", Takes.NOTHING, BOOLEANS, true, lambda _: ", not true", sense=truth_sense
    ),
    ValueOperator(
        "is_false", "is false", Takes.NOTHING, BOOLEANS, false, lambda _: ", not false", sense=truth_sense
    ),
)
