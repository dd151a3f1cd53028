"""What a filter is, and what all share: they take any value, give plain values, and keep to a size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from signalbox_rules.errors import RulesError

RESULT_CHARACTERS_MAX: Final = 262_144  # of one filter's text; no mail is longer
MEMBERS_MAX: Final = 10_000  # of one filter's list


class FilterRefused(RulesError):
    """A filter cannot make sense of its value or its arguments; the output is then empty, with a warning."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: `function(value, *arguments)` never changes its value, and raises only FilterRefused."""

    name: str
    label: str
    example: str
    function: Callable[..., Any]


def to_text(value: Any) -> str:
    """A value as templates print it: null is nothing, true is `true`, a list is joined by commas, an object
    is JSON.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return number_text(value)
    if kind is list:
        return ", ".join([_member_text(member) for member in value[:MEMBERS_MAX]])
    if kind is dict:
        return _member_text(value)
    if kind is range:
        return f"{value.start}..{value.stop - 1}"
    return str(value)


def _member_text(value: Any) -> str:
    if type(value) is not list and type(value) is not dict:
        return to_text(value)
    try:
        return to_json(value)
    except FilterRefused:
        return "…"


def number_text(number: float) -> str:
    """A number without an exponent or a needless fraction where that is short: 75000.0 is 75000."""
    if type(number) is float:
        if number.is_integer() and abs(number) < 1e15:
            return str(int(number))
        return repr(number)
    return (
        str(number)
        if abs(number) < 10**30
        else f"{number:.15e}"
        if abs(number) < 10**300
        else "a huge number"
    )


def to_json(value: Any) -> str:
    """A value as JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError, OverflowError):
        raise FilterRefused("the value cannot be written as JSON") from None


def to_whole(value: Any, what: str) -> int:
    """A whole number for an argument. Raises FilterRefused."""
    number = value
    if type(value) is str and value.strip().lstrip("-").isdecimal() and len(value) < 12:
        number = int(value)
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is not int or abs(number) > 10**9:
        raise FilterRefused(f"{what} must be a whole number")
    return number


def limited(text: str) -> str:
    """The text, if it is not too long."""
    if len(text) > RESULT_CHARACTERS_MAX:
        raise FilterRefused(f"the result has more than {RESULT_CHARACTERS_MAX:,} characters")
    return text
