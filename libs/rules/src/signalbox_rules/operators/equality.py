"""equals, in and contains, with complements. What is expected decides how the record's value is read."""

from typing import Any, Final

from signalbox_rules.effort import MEMBER_STEPS, value_steps
from signalbox_rules.errors import RulesError
from signalbox_rules.operators.operator import EVERY, LISTS, TEXTS, Takes, ValueOperator, ValueTest
from signalbox_rules.reading import fold, is_empty, read_number, read_truth, text_key

LIST_MAX: Final = 1_000  # members of a list to compare with; more belongs into a field of the CRM


def equals(expected: Any) -> ValueTest:
    """Equality with text (case and white space at the ends do not count), a number, true/false, a list, or
    nothing.
    """
    kind = type(expected)
    if is_empty(expected):
        return is_empty
    if kind is str:
        key = text_key(expected)

        def is_text(actual: Any) -> bool:
            return actual == expected or (type(actual) is str and text_key(actual) == key)

        return is_text
    if kind is bool:
        return lambda actual: read_truth(actual) is expected
    if kind is int or kind is float:

        def is_number(actual: Any) -> bool:
            number = read_number(actual)
            return number is not None and number == expected

        return is_number
    if kind is list:
        return _same_members(expected)
    raise RulesError("must be text, a number, true or false, or a list of these")


def _same_members(expected: list[Any]) -> ValueTest:
    one_of = among(expected)
    tests = [equals(member) for member in expected]

    def has_same_members(actual: Any) -> bool:
        return (
            type(actual) is list
            and len(actual) <= LIST_MAX
            and all(one_of(member) for member in actual)
            and all(any(test(member) for member in actual) for test in tests)
        )

    return has_same_members


def among(expected: Any) -> ValueTest:
    """Is the value, or one member if it is a list, equal to one of the expected ones?"""
    if type(expected) is not list:
        raise RulesError("must be a list, such as [New, Open]")
    if len(expected) > LIST_MAX:
        raise RulesError(f"has {len(expected):,} members; at most {LIST_MAX:,} are allowed")
    written = frozenset(member for member in expected if type(member) is str and not is_empty(member))
    texts = frozenset(map(text_key, written))
    numbers = frozenset(member for member in expected if type(member) in (int, float))
    truths = frozenset(member for member in expected if type(member) is bool)
    empty = any(is_empty(member) for member in expected)
    if any(type(member) in (dict, list) and member for member in expected):
        raise RulesError("must be a list of texts, numbers or true/false, without lists or objects inside")

    def is_one(actual: Any) -> bool:
        if is_empty(actual):
            return empty
        if type(actual) is str and texts and text_key(actual) in texts:
            return True
        if numbers and (number := read_number(actual)) is not None and number in numbers:
            return True
        return bool(truths) and read_truth(actual) in truths

    def is_among(actual: Any) -> bool:
        kind = type(actual)
        if kind is str and actual in written:  # as a pick list says it, most times
            return True
        if kind is list and actual:
            return any(is_one(member) for member in actual)
        return is_one(actual)

    return is_among


def contains(expected: Any) -> ValueTest:
    """Is the text a part of the value, or equal to a member of it if it is a list?"""
    if is_empty(expected) or type(expected) in (dict, list):
        raise RulesError("must be text, a number, or true or false, and not empty")
    is_member = equals(expected)
    part = fold(expected) if type(expected) is str else None

    def has_part(actual: Any) -> bool:
        if type(actual) is str:
            return part is not None and part in fold(actual)
        return type(actual) is list and any(is_member(member) for member in actual)

    return has_part


def not_contains(expected: Any) -> ValueTest:
    """The complement of contains on text, lists and nothing; a number or an object contains nothing to
    speak of.
    """
    has_part = contains(expected)

    def has_not(actual: Any) -> bool:
        return contains_sense(actual, expected) is None and not has_part(actual)

    return has_not


def search_steps(value: Any, _expected: Any) -> int:
    """The value is gone through once."""
    return value_steps(value)


def equality_steps(value: Any, expected: Any) -> int:
    """Two lists are compared member by member, each with each."""
    pairs = len(value) * len(expected) if type(value) is list and type(expected) is list else 0
    return value_steps(value) + MEMBER_STEPS * pairs


def complement(prepare: Any) -> Any:
    """The operator that holds exactly where another does not."""

    def prepare_complement(expected: Any) -> ValueTest:
        test: ValueTest = prepare(expected)
        return lambda actual: not test(actual)

    return prepare_complement


def contains_sense(value: Any, _expected: Any) -> str | None:
    """Contains is about text and lists; nothing (null, missing) contains nothing."""
    return None if is_empty(value) or type(value) in (str, list) else "which is neither text nor a list"


def equality_sense(value: Any, expected: Any) -> str | None:
    """Values of another kind are never equal, which is worth saying where they look the same."""
    kind = type(value)
    if kind is list and value and type(expected) is not list:
        return "which is a list; contains and in look inside"
    if type(expected) is list and kind is not list and not is_empty(value):
        return "which is not a list"
    if type(expected) is str and (kind is int or kind is float):
        return f"a number, not the text {expected}"
    if type(expected) is str and kind is bool:
        return "which is not text"
    if type(expected) in (int, float) and not is_empty(value) and read_number(value) is None:
        return "which is not a number"
    if type(expected) is bool and not is_empty(value) and read_truth(value) is None:
        return "which is neither true nor false"
    return None


EQUALITY_OPERATORS: Final = (
    ValueOperator(
        "equals",
        "is",
        Takes.ONE,
        EVERY - {"object"},
        equals,
        lambda value: f", not {value}",
        example="Web Form",
        sense=equality_sense,
        steps=equality_steps,
    ),
    ValueOperator(
        "not_equals",
        "is not",
        Takes.ONE,
        EVERY - {"object"},
        complement(equals),
        lambda _: ", and had to be something else",
        example="Web Form",
        steps=equality_steps,
    ),
    ValueOperator(
        "in",
        "is one of",
        Takes.LIST,
        EVERY - {"object"},
        among,
        lambda value: f", not one of {value}",
        example=["New", "Open"],
        steps=search_steps,
    ),
    ValueOperator(
        "not_in",
        "is none of",
        Takes.LIST,
        EVERY - {"object"},
        complement(among),
        lambda value: f", which is one of {value}",
        example=["Closed"],
        steps=search_steps,
    ),
    ValueOperator(
        "contains",
        "contains",
        Takes.ONE,
        TEXTS | LISTS,
        contains,
        lambda value: f", which does not contain {value}",
        example="engineer",
        sense=contains_sense,
        steps=search_steps,
    ),
    ValueOperator(
        "not_contains",
        "does not contain",
        Takes.ONE,
        TEXTS | LISTS,
        not_contains,
        lambda value: f", which contains {value}",
        example="test",
        sense=contains_sense,
        steps=search_steps,
    ),
)
