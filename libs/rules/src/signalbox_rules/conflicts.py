"""Workflows that can run for one event and set the same thing to different values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from signalbox_contracts.definitions.document import AllOf, Trigger, WorkflowDefinition
from signalbox_rules.actions.action import Write
from signalbox_rules.consequences import AnalysedWorkflow, writes_of
from signalbox_rules.errors import RulesError
from signalbox_rules.modules.registry import specific_events
from signalbox_rules.reading import text_key
from signalbox_rules.satisfiability import Possible, possible_outcomes
from signalbox_rules.verdicts import in_words

CONFLICTS_MAX: Final = 200  # reported; nobody reads more
COMPARED_MAX: Final = 5_000  # pairs whose conditions are compared, at up to some milliseconds each


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two workflows that can run for one event and set the same thing to different values."""

    module: str
    field: str
    workflow_ids: tuple[str, str]
    names: tuple[str, str]
    sentence: str


Writer = tuple[AnalysedWorkflow, Write]


def conflicts_among(workflows: Sequence[AnalysedWorkflow], about: str | None) -> tuple[list[Conflict], bool]:
    """All conflicts, and whether these are all. `about` names the one workflow to look at."""
    conflicts: list[Conflict] = []
    compared = 0
    for module, left, right in _pairs(workflows):
        ids = (left[0].workflow_id, right[0].workflow_id)
        if about is not None and about not in ids:
            continue
        if ids[0] == ids[1] or not _differ(left[1], right[1]):
            continue
        compared += 1
        if compared > COMPARED_MAX or len(conflicts) == CONFLICTS_MAX:
            return conflicts, False
        if _can_meet(left[0].definition, right[0].definition):
            conflicts.append(_conflict(module, left, right))
    return conflicts, True


def _pairs(workflows: Sequence[AnalysedWorkflow]) -> Iterator[tuple[str, Writer, Writer]]:
    """(module, one, other) of every two writes of one thing."""
    writers: dict[tuple[str, str], list[Writer]] = {}
    for workflow in workflows:
        for write in writes_of(workflow.definition):
            if write.kind != "record":
                key = (workflow.definition.trigger.module, write.name)
                writers.setdefault(key, []).append((workflow, write))
    for (module, _), group in writers.items():
        for left, right in combinations(group, 2):
            yield module, left, right


def _differ(left: Write, right: Write) -> bool:
    if left.value is None or right.value is None:
        return True
    return text_key(in_words(left.value)) != text_key(in_words(right.value))


def _can_meet(one: WorkflowDefinition, other: WorkflowDefinition) -> bool:
    """Can both run for one event?"""
    if one.trigger.module != other.trigger.module or not _events(one.trigger) & _events(other.trigger):
        return False
    if _are_apart(one.trigger.to, other.trigger.to) or _are_apart(one.trigger.from_, other.trigger.from_):
        return False
    conditions = tuple(condition for condition in (one.conditions, other.conditions) if condition is not None)
    try:
        return possible_outcomes(AllOf(all=conditions)) is not Possible.NEVER
    except RulesError:
        return True


def _events(trigger: Trigger) -> set[str]:
    return set(specific_events(trigger.module, trigger.event))


def _are_apart(ours: tuple[str, ...] | None, theirs: tuple[str, ...] | None) -> bool:
    if ours is None or theirs is None:
        return False
    return not set(map(text_key, ours)) & set(map(text_key, theirs))


def _told(write: Write) -> str:
    if write.value is None:
        return "sets it to a value that depends on the record"
    return f"sets it to {in_words(write.value)}"


def _conflict(module: str, left: Writer, right: Writer) -> Conflict:
    names = (left[0].definition.name, right[0].definition.name)
    told = " and ".join(
        f"{name!r} {_told(write)}" for name, write in zip(names, (left[1], right[1]), strict=True)
    )
    field = left[1].name
    sentence = f"{field} of {module}: {told}, for the same event; the later of the two wins"
    return Conflict(module, field, (left[0].workflow_id, right[0].workflow_id), names, sentence)
