"""Conditions: from the tree people write to closures that decide, and that explain.

ADR 0010 fixes what every comparison means. Nothing here raises on any record.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

from signalbox_contracts.definitions import AllOf, AnyOf, Comparison, Condition, Not
from signalbox_rules.comparisons import Judged, compile_comparison
from signalbox_rules.record_context import RecordContext, previous_of, record_of
from signalbox_rules.verdicts import NO_CONDITIONS, AllNode, AnyNode, Leaf, Node, NotNode, Verdict, joined


Record = dict[str, Any]
Decider = Callable[[Record, Record | None, datetime], bool]
"""(record, previous or None where it was not published, time of the event) → outcome."""

Explainer = Callable[[Record, Record | None, datetime], tuple[Node, str]]
"""The same → node and its reason."""


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A condition ready to be asked many times."""

    _decide: Decider
    _explain: Explainer | None

    def decide(self, context: RecordContext) -> bool:
        """Does the condition hold?"""
        return self._decide(record_of(context.record), previous_of(context.previous), context.event_time)

    def explain(self, context: RecordContext) -> Verdict:
        """Does it hold, and why: every comparison is made, also those that `decide` need not make."""
        if self._explain is None:
            return NO_CONDITIONS
        node, sentence = self._explain(
            record_of(context.record), previous_of(context.previous), context.event_time
        )
        return Verdict(node.outcome, sentence, node)


def compile_condition(condition: Condition | None) -> CompiledCondition:
    """Compile a condition; None (no conditions) always holds. Raises RefusedCondition with the place."""
    if condition is None:
        return CompiledCondition(lambda _record, _previous, _now: True, None)
    compiled = _compiled(condition, "")
    return CompiledCondition(*compiled)


def _compiled(condition: Condition, pointer: str) -> tuple[Decider, Explainer]:
    match condition:
        case Comparison():
            decide, judge = compile_comparison(condition, pointer)
            return decide, _explained_leaf(judge)
        case AllOf(all=members):
            return _all([_compiled(member, f"{pointer}/all/{index}") for index, member in enumerate(members)])
        case AnyOf(any=members):
            return _any([_compiled(member, f"{pointer}/any/{index}") for index, member in enumerate(members)])
        case Not(not_=member):
            return _not(*_compiled(member, f"{pointer}/not"))
        case _:
            assert_never(condition)


def _explained_leaf(judge: Judged) -> Explainer:
    def explain(record: Record, previous: Record | None, now: datetime) -> tuple[Leaf, str]:
        leaf = judge(record, previous, now)
        return leaf, leaf.why

    return explain


def _all(members: list[tuple[Decider, Explainer]]) -> tuple[Decider, Explainer]:
    deciders = tuple(decide for decide, _ in members)
    explainers = tuple(explain for _, explain in members)

    def decide(record: Record, previous: Record | None, now: datetime) -> bool:
        for member in deciders:
            if not member(record, previous, now):
                return False
        return True

    def explain(record: Record, previous: Record | None, now: datetime) -> tuple[Node, str]:
        explained = [member(record, previous, now) for member in explainers]
        failed = [sentence for node, sentence in explained if not node.outcome]
        reasons = failed or [sentence for _, sentence in explained]
        return AllNode(tuple([node for node, _ in explained]), not failed), joined(
            reasons
        ) or "an empty group holds"

    return decide, explain


def _any(members: list[tuple[Decider, Explainer]]) -> tuple[Decider, Explainer]:
    deciders = tuple(decide for decide, _ in members)
    explainers = tuple(explain for _, explain in members)

    def decide(record: Record, previous: Record | None, now: datetime) -> bool:
        for member in deciders:
            if member(record, previous, now):
                return True
        return False

    def explain(record: Record, previous: Record | None, now: datetime) -> tuple[Node, str]:
        explained = [member(record, previous, now) for member in explainers]
        held = [sentence for node, sentence in explained if node.outcome]
        node = AnyNode(tuple([node for node, _ in explained]), bool(held))
        if held:
            return node, held[0]
        return node, joined([sentence for _, sentence in explained]) or "an empty group does not hold"

    return decide, explain


def _not(decide_member: Decider, explain_member: Explainer) -> tuple[Decider, Explainer]:
    def decide(record: Record, previous: Record | None, now: datetime) -> bool:
        return not decide_member(record, previous, now)

    def explain(record: Record, previous: Record | None, now: datetime) -> tuple[Node, str]:
        node, sentence = explain_member(record, previous, now)
        return NotNode(
            node, not node.outcome
        ), f"{sentence}, which is ruled out" if node.outcome else sentence

    return decide, explain
