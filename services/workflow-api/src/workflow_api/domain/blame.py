"""Which comparisons are the reason for a no: the leaves without which it would have been a yes, roughly.

In an `all`, those of each member that failed; in an `any`, those of every member; under a `not`, the leaves
that held. All of that follows from which leaves held, and many events share few such patterns: so each leaf
is decided once per event, and what a pattern means is worked out once per pattern.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, assert_never

from signalbox_contracts.definitions.document import AllOf, AnyOf, Comparison, Condition, Not
from signalbox_rules.comparisons import compile_comparison
from signalbox_rules.record_context import Decider, RecordContext, previous_of, record_of


@dataclass(frozen=True, slots=True)
class LeafName:
    """A comparison: where it stands in the document, and what it says."""

    pointer: str
    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a pattern comes to; `blamed` are the leaves that kept the condition from holding."""

    outcome: bool
    blamed: tuple[LeafName, ...]


class _Part(NamedTuple):
    """A part of a condition, asked about a pattern."""

    holds: Callable[[int], bool]
    blame: Callable[[int, bool], Iterator[LeafName]]
    """(pattern, wanted outcome) → the leaves that kept the part from it."""


class Leaves:
    """The comparisons of a condition; where there is no condition, none, and every pattern holds."""

    def __init__(self, condition: Condition | None) -> None:
        self._deciders: list[tuple[int, Decider]] = []
        self._whole = _NO_CONDITION if condition is None else self._compiled(condition, "/conditions")

    def pattern(self, context: RecordContext) -> int:
        """Which leaves hold: a bit for each, in the order of the document."""
        record, previous = record_of(context.record), previous_of(context.previous)
        pattern = 0
        for bit, decide in self._deciders:
            if decide(record, previous, context):
                pattern |= bit
        return pattern

    def meaning(self, pattern: int) -> Meaning:
        """What an event of this pattern comes to, and why."""
        return Meaning(self._whole.holds(pattern), tuple(self._whole.blame(pattern, True)))

    def _compiled(self, condition: Condition, pointer: str) -> _Part:
        match condition:
            case Comparison():
                return self._leaf(condition, pointer)
            case AllOf(all=members):
                parts = [self._compiled(each, f"{pointer}/all/{n}") for n, each in enumerate(members)]
                return _group(parts, all, settled_by_members=True)
            case AnyOf(any=members):
                parts = [self._compiled(each, f"{pointer}/any/{n}") for n, each in enumerate(members)]
                return _group(parts, any, settled_by_members=False)
            case Not(not_=member):
                inner = self._compiled(member, f"{pointer}/not")
                return _Part(
                    lambda pattern: not inner.holds(pattern),
                    lambda pattern, wanted: inner.blame(pattern, not wanted),
                )
            case _:
                assert_never(condition)

    def _leaf(self, comparison: Comparison, pointer: str) -> _Part:
        bit = 1 << len(self._deciders)
        self._deciders.append((bit, compile_comparison(comparison, pointer)[0]))
        name = LeafName(pointer, comparison.field, comparison.op, comparison.value)

        def holds(pattern: int) -> bool:
            return pattern & bit != 0

        def blame(pattern: int, wanted: bool) -> Iterator[LeafName]:
            if holds(pattern) is not wanted:
                yield name

        return _Part(holds, blame)


def _group(
    parts: list[_Part], joined: Callable[[Iterable[bool]], bool], *, settled_by_members: bool
) -> _Part:
    """`settled_by_members` is the wanted outcome for which members that are to blame make the group so too:
    an `all` that should hold, an `any` that should not. Only for the other one is the group itself asked.
    """

    def holds(pattern: int) -> bool:
        return joined(part.holds(pattern) for part in parts)

    def blame(pattern: int, wanted: bool) -> Iterator[LeafName]:
        if wanted is settled_by_members or holds(pattern) is not wanted:
            for part in parts:
                yield from part.blame(pattern, wanted)

    return _Part(holds, blame)


_NO_CONDITION = _Part(lambda _pattern: True, lambda _pattern, _wanted: iter(()))
