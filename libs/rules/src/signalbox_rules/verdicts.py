"""A verdict: a yes or no that explains itself. Structs, so that msgspec writes them as JSON without a
detour.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

SENTENCE_MAX: Final = 600  # characters; the tree has the rest
REASONS_MAX: Final = 6  # members of a group that a sentence names
TEXT_SHOWN_MAX: Final = 200  # characters of a value in a verdict; a journal is no copy of the record
MEMBERS_SHOWN_MAX: Final = 10  # of a list or an object; what is nested in them is left out
MEMBER_TEXT_SHOWN_MAX: Final = 60
WHOLE_SHOWN_MAX: Final = 10**20  # whole numbers below are often ids, which rounding would make look equal


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """One comparison. `actual` and `previous` are cut to a length fit for reading; `why` is a sentence."""

    field: str
    op: str
    value: Any
    actual: Any
    previous: Any
    outcome: bool
    why: str


class AllNode(msgspec.Struct, frozen=True, gc=False):
    """A group that held if every member held."""

    all: tuple["Node", ...]
    outcome: bool


class AnyNode(msgspec.Struct, frozen=True, gc=False):
    """A group that held if a member held."""

    any: tuple["Node", ...]
    outcome: bool


class NotNode(msgspec.Struct, frozen=True, gc=False, rename={"not_": "not"}):
    """Holds where its member does not."""

    not_: "Node"
    outcome: bool


Node = Leaf | AllNode | AnyNode | NotNode


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """Outcome, the sentence that says why, and the tree (None where a workflow has no conditions)."""

    outcome: bool
    sentence: str
    tree: Leaf | AllNode | AnyNode | NotNode | None


NO_CONDITIONS: Final = Verdict(True, "no conditions", None)


def shown(value: Any) -> Any:
    """A value cut to what a verdict keeps of it."""
    kind = type(value)
    if kind is str:
        return cut(value, TEXT_SHOWN_MAX)
    if kind is list:
        return [_member(member) for member in value[:MEMBERS_SHOWN_MAX]]
    if kind is dict:
        return {
            cut(name, MEMBER_TEXT_SHOWN_MAX): _member(value[name]) for name in list(value)[:MEMBERS_SHOWN_MAX]
        }
    return value


def _member(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return cut(value, MEMBER_TEXT_SHOWN_MAX)
    return "…" if (kind is list or kind is dict) and value else value


def cut(text: str, length: int) -> str:
    """At most so many characters of a text."""
    return text if len(text) <= length else text[: length - 1] + "…"


def in_words(value: Any) -> str:
    """A value as a person reads it: 75,000, true, empty, Web Form."""
    kind = type(value)
    if kind is str:
        if not value or value.isspace():
            return "empty"
        return str(value) if len(value) <= TEXT_SHOWN_MAX else cut(value, TEXT_SHOWN_MAX)
    if kind is int:
        if -1000 < value < 1000:
            return str(value)
        if 0 < value < 1_000_000:
            digits = str(value)
            return f"{digits[:-3]},{digits[-3:]}"  # most amounts, in half the time of a format
        return f"{value:,}" if -WHOLE_SHOWN_MAX < value < WHOLE_SHOWN_MAX else _long_number(value)
    if kind is float:
        if -1e15 < value < 1e15:
            return in_words(int(value)) if value.is_integer() else f"{value:,}"
        return _long_number(value)
    if value is None:
        return "empty"
    if kind is bool:
        return "true" if value else "false"
    if kind is list:
        words = ", ".join([in_words(_member(member)) for member in value[:MEMBERS_SHOWN_MAX]])
        return cut(words + (" …" if len(value) > MEMBERS_SHOWN_MAX else ""), TEXT_SHOWN_MAX) or "empty"
    return "an object" if value else "empty"


def _long_number(value: float) -> str:
    return f"{value:.15g}" if abs(value) < 1e300 else "a huge number"


def joined(reasons: Sequence[str]) -> str:
    """Reasons as one sentence."""
    if len(reasons) == 1:
        return reasons[0]
    if len(reasons) > REASONS_MAX:
        reasons = [*reasons[:REASONS_MAX], f"{len(reasons) - REASONS_MAX} more"]
    sentence = " and ".join(reasons)
    return sentence if len(sentence) <= SENTENCE_MAX else cut(sentence, SENTENCE_MAX)
