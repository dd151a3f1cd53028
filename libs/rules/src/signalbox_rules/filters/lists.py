"""Filters of lists."""

from typing import Any, Final

from signalbox_rules.filters.filter import MEMBERS_MAX, RESULT_CHARACTERS_MAX, Filter, FilterRefused, to_text
from signalbox_rules.filters.numbers import NUMBER_FILTERS
from signalbox_rules.reading import read_number, text_key

_PLUS: Final = next(entry.function for entry in NUMBER_FILTERS if entry.name == "plus")


def _members(value: Any) -> list[Any]:
    if type(value) is list:
        if len(value) > MEMBERS_MAX:
            raise FilterRefused(f"the list has more than {MEMBERS_MAX:,} members")
        return value
    if type(value) is range:
        if value.stop - value.start > MEMBERS_MAX:
            raise FilterRefused(f"the range has more than {MEMBERS_MAX:,} members")
        return list(value)
    if value is None or value == "":
        return []
    return [str(value) if isinstance(value, str) else value]  # HTML that a filter made is text in a list


def join(value: Any, separator: Any = ", ") -> str:
    """The members as one text."""
    texts, between = [to_text(member) for member in _members(value)], to_text(separator)
    if sum(map(len, texts)) + len(between) * len(texts) > RESULT_CHARACTERS_MAX:
        raise FilterRefused(f"the result has more than {RESULT_CHARACTERS_MAX:,} characters")
    return between.join(texts)


def first(value: Any) -> Any:
    """The first member."""
    members = _members(value)
    return members[0] if members else None


def last(value: Any) -> Any:
    """The last member."""
    members = _members(value)
    return members[-1] if members else None


def size(value: Any) -> int:
    """How many characters or members."""
    return len(value) if isinstance(value, str | list | dict) else 0


def mapped(value: Any, name: Any) -> list[Any]:
    """One field of every member."""
    key = to_text(name)
    return [member.get(key) if type(member) is dict else None for member in _members(value)]


def where(value: Any, name: Any, wanted: Any = None) -> list[Any]:
    """The members whose field is equal to a value, or is there."""
    key = to_text(name)
    found = [(member, member.get(key)) for member in _members(value) if type(member) is dict]
    if wanted is None:
        return [member for member, field in found if field not in (None, False)]
    sought = text_key(to_text(wanted))
    return [member for member, field in found if text_key(to_text(field)) == sought]


def reverse(value: Any) -> list[Any]:
    """In the opposite order."""
    return _members(value)[::-1]


def sort(value: Any, name: Any = None) -> list[Any]:
    """In order: numbers by size, before text by letters."""
    members = _members(value)
    if name is None:
        return sorted(members, key=_order)
    key = to_text(name)
    return sorted(members, key=lambda member: _order(member.get(key) if type(member) is dict else None))


def _order(value: Any) -> tuple[int, float, str]:
    number = read_number(value)
    if number is not None:
        return (0, min(max(number, -1e300), 1e300), "")
    return (1, 0.0, text_key(to_text(value)))


def total(value: Any, name: Any = None) -> Any:
    """The sum of the numbers, or of one field of the members."""
    members = _members(value) if name is None else mapped(value, name)
    result: Any = 0
    for member in members:
        if read_number(member) is not None:
            result = _PLUS(result, member)
    return result


def uniq(value: Any) -> list[Any]:
    """Each value once."""
    distinct: dict[str, Any] = {}
    for member in _members(value):
        distinct.setdefault(to_text(member), member)
    return list(distinct.values())


LIST_FILTERS: Final = (
    Filter("join", "one text of a list", '{{ record.tags | join: ", " }}', join),
    Filter("first", "the first member", "{{ record.tags | first }}", first),
    Filter("last", "the last member", "{{ record.tags | last }}", last),
    Filter("size", "how many", "{{ record.lines | size }}", size),
    Filter("map", "one field of every member", '{{ record.lines | map: "sku" | join }}', mapped),
    Filter(
        "where", "the members with a value", '{{ record.lines | where: "kind", "service" | size }}', where
    ),
    Filter("reverse", "the opposite order", "{{ record.tags | reverse | join }}", reverse),
    Filter("sort", "in order", '{{ record.lines | sort: "price" | map: "sku" | join }}', sort),
    Filter("sum", "a sum", '{{ record.lines | sum: "price" }}', total),
    Filter("uniq", "each value once", "{{ record.tags | uniq | join }}", uniq),
)
