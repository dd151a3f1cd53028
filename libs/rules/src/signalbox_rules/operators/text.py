"""starts_with, ends_with and matches."""

from functools import lru_cache
from typing import Any, Final

import re2

from signalbox_rules.effort import value_steps
from signalbox_rules.errors import RulesError
from signalbox_rules.operators.operator import TEXTS, Takes, ValueOperator, ValueTest
from signalbox_rules.reading import fold, is_empty

PATTERN_MAX: Final = 1_000  # characters
PATTERN_MEMORY_BYTES: Final = 1 << 20  # of the compiled automaton; x{1000}{1000} is refused by it


def starts_with(expected: Any) -> ValueTest:
    """Does the text begin so, letter case and leading white space aside?"""
    part = _part(expected).lstrip()
    return lambda actual: type(actual) is str and fold(actual.lstrip()).startswith(part)


def ends_with(expected: Any) -> ValueTest:
    """Does the text end so, letter case and trailing white space aside?"""
    part = _part(expected).rstrip()
    return lambda actual: type(actual) is str and fold(actual.rstrip()).endswith(part)


def _part(expected: Any) -> str:
    if type(expected) is not str or is_empty(expected):
        raise RulesError("must be text and not empty")
    return fold(expected)


def matches(expected: Any) -> ValueTest:
    """Is the pattern found somewhere in the text? `^` and `$` anchor it, `(?i)` makes letter case not
    count.
    """
    if type(expected) is not str or not expected:
        raise RulesError("must be a regular expression (RE2)")
    if len(expected) > PATTERN_MAX:
        raise RulesError(
            f"has {len(expected):,} characters; at most {PATTERN_MAX:,} are allowed in a pattern"
        )
    pattern = _compiled(expected)

    def is_match(actual: Any) -> bool:
        if type(actual) is not str:
            return False
        try:
            return pattern.search(actual) is not None
        except UnicodeEncodeError:
            return False

    return is_match


@lru_cache(maxsize=1_024)
def _compiled(source: str) -> Any:
    """The pattern. Raises RulesError with RE2's reason."""
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise RulesError(
            f"is a pattern that RE2 refuses: {_reason(error)}; it has no look-around and no back-references"
        ) from None


def pattern_steps(value: Any, expected: Any) -> int:
    """RE2 is linear in the text, and at worst (its cache of states does not hold) in its program as well."""
    return len(value) * int(_compiled(expected).programsize) if type(value) is str else 0


def text_steps(value: Any, _expected: Any) -> int:
    """Either end is compared after the whole text is folded."""
    return value_steps(value)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "not readable"
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def text_sense(value: Any, _expected: Any) -> str | None:
    """These are about text; nothing starts with nothing."""
    return None if is_empty(value) or type(value) is str else "which is not text"


TEXT_OPERATORS: Final = (
    ValueOperator(
        "starts_with",
        "starts with",
        Takes.TEXT,
        TEXTS,
        starts_with,
        lambda value: f", which does not start with {value}",
        example="Dr.",
        sense=text_sense,
        steps=text_steps,
    ),
    ValueOperator(
        "ends_with",
        "ends with",
        Takes.TEXT,
        TEXTS,
        ends_with,
        lambda value: f", which does not end with {value}",
        example="@example.com",
        sense=text_sense,
        steps=text_steps,
    ),
    ValueOperator(
        "matches",
        "matches the pattern",
        Takes.PATTERN,
        TEXTS,
        matches,
        lambda value: f", which does not match {value}",
        example="^[A-Z]{2}-[0-9]+$",
        sense=text_sense,
        accepts_field=False,
        steps=pattern_steps,
    ),
)
