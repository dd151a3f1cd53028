"""What an operator is: a name, what it takes, what it fits, and the test it prepares from the expected
value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal

FieldType = Literal[
    "text",
    "long_text",
    "email",
    "phone",
    "url",
    "picklist",
    "multi_picklist",
    "number",
    "money",
    "boolean",
    "date",
    "datetime",
    "reference",
    "user",
    "list",
    "object",
]

TEXTS: frozenset[FieldType] = frozenset(
    {"text", "long_text", "email", "phone", "url", "picklist", "reference", "user"}
)
NUMBERS: frozenset[FieldType] = frozenset({"number", "money"})
DATES: frozenset[FieldType] = frozenset({"date", "datetime"})
LISTS: frozenset[FieldType] = frozenset({"multi_picklist", "list"})
BOOLEANS: frozenset[FieldType] = frozenset({"boolean"})
EVERY: frozenset[FieldType] = TEXTS | NUMBERS | DATES | LISTS | BOOLEANS | {"object"}


class Takes(Enum):
    """The shape of an operator's `value`."""

    NOTHING = "nothing"
    ONE = "one text, number or true/false"
    ORDERED = "a number or a date"
    TEXT = "text"
    LIST = "a list of texts, numbers or true/false"
    RANGE = "a list of two numbers or dates, [low, high]"
    PATTERN = "a regular expression (RE2)"
    DATE = "a date or date and time (ISO 8601)"
    DURATION = "an ISO 8601 duration, such as P7D"
    FROM_TO = 'an object {"from": …, "to": …}'


ValueTest = Callable[[Any], bool]
"""Does the value now (None if missing) satisfy the operator?"""

ChangeTest = Callable[[Any, Any], bool]
"""The same over (value now, value before); called only if the previous record was published."""

TimeTest = Callable[[Any, datetime], bool]
"""The same over (value now, time of the event)."""

Test = Callable[..., bool]
"""Any of the three."""

Steps = Callable[[Any, Any], int]
"""(value, expected) → how many steps (`signalbox_rules.effort`) comparing them takes at most."""

Sense = Callable[[Any, Any], str | None]
"""(value, expected) → why they make no sense together ("which is not a number"), or None."""


def always_sensible(_value: Any, _expected: Any) -> str | None:
    """For operators that every value makes sense to."""
    return None


@dataclass(frozen=True, slots=True)
class _Described:
    """What all operators have. `miss(value_text)` ends the sentence "stage was New…" of a false one."""

    name: str
    label: str
    takes: Takes
    fits: frozenset[FieldType]
    prepare: Callable[[Any], Test]
    """The test of an expected value. Raises RulesError if the value is not one that the operator takes."""

    miss: Callable[[str], str]
    example: Any = None
    sense: Sense = always_sensible
    accepts_field: bool = True
    """May the expected value be another field of the record?"""
    steps: Steps | None = None
    """None where the work does not grow with the value."""


@dataclass(frozen=True, slots=True)
class ValueOperator(_Described):
    """An operator over the value now: its test is a ValueTest."""


@dataclass(frozen=True, slots=True)
class ChangeOperator(_Described):
    """An operator over the value now and before the event: its test is a ChangeTest."""


@dataclass(frozen=True, slots=True)
class TimeOperator(_Described):
    """An operator over the value now and the time of the event: its test is a TimeTest."""

    accepts_field: bool = False


Operator = ValueOperator | ChangeOperator | TimeOperator
