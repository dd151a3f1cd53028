"""Which comparisons are the reason for a no: the leaves without which it would have been a yes, roughly.

In an `all`, those of each member that failed; in an `any`, those of every member; under a `not`, the leaves
that held. Evaluated only for events that are skipped, so it may cost what a verdict's sentence may not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from signalbox_contracts.definitions import AllOf, AnyOf, Comparison, Condition, Not
from signalbox_rules.conditions import CompiledCondition, compile_condition
from signalbox_rules.record_context import RecordContext


@dataclass(frozen=True, slots=True)
class LeafName:
    """A comparison: where it stands in the document, and what it says."""

    pointer: str
    field: str
    op: str
    value: Any


Blame = Callable[[RecordContext, bool], Iterator[LeafName]]
"""(context, wanted outcome) → the leaves that kept the condition from it."""


def compile_blame(condition: Condition | None) -> Blame:
    """What to ask about an event that the condition refused. No condition refuses nothing."""
    if condition is None:
        return _nothing
    return _compiled(condition, "/conditions")


def _nothing(_context: RecordContext, _wanted: bool) -> Iterator[LeafName]:
    return iter(())


def _compiled(condition: Condition, pointer: str) -> Blame:
    compiled = compile_condition(condition)
    match condition:
        case Comparison():
            return _leaf(compiled, LeafName(pointer, condition.field, condition.op, condition.value))
        case AllOf(all=members):
            blames = [_compiled(each, f"{pointer}/all/{n}") for n, each in enumerate(members)]
            return _group(compiled, blames, settled_by_members=True)
        case AnyOf(any=members):
            blames = [_compiled(each, f"{pointer}/any/{n}") for n, each in enumerate(members)]
            return _group(compiled, blames, settled_by_members=False)
        case Not(not_=member):
            inner = _compiled(member, f"{pointer}/not")
            return lambda context, wanted: inner(context, not wanted)
        case _:
            assert_never(condition)


def _leaf(compiled: CompiledCondition, name: LeafName) -> Blame:
    def blame(context: RecordContext, wanted: bool) -> Iterator[LeafName]:
        if compiled.decide(context) is not wanted:
            yield name

    return blame


def _group(compiled: CompiledCondition, members: list[Blame], *, settled_by_members: bool) -> Blame:
    """`settled_by_members` is the wanted outcome for which members that are to blame make the group so too:
    an `all` that should hold, an `any` that should not. Only for the other one is the group itself asked.
    """

    def blame(context: RecordContext, wanted: bool) -> Iterator[LeafName]:
        if wanted is settled_by_members or compiled.decide(context) is not wanted:
            for member in members:
                yield from member(context, wanted)

    return blame
