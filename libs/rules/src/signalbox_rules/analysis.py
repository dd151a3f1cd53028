"""What a tenant's active workflows do to each other: loops, and fields that two of them set differently.

Everything is judged from the documents alone: an edge is there if the documents do not rule it out.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from signalbox_contracts.definitions import AllOf, Trigger, WorkflowDefinition
from signalbox_rules.actions.action import Write
from signalbox_rules.consequences import Consequence, consequences_of, may_trigger, writes_of
from signalbox_rules.errors import RulesError
from signalbox_rules.modules.registry import specific_events
from signalbox_rules.reading import text_key
from signalbox_rules.satisfiability import Possible, possible_outcomes

LOOPS_MAX: Final = 200  # reported; nobody reads more
CONFLICTS_MAX: Final = 200
COMPARED_MAX: Final = 5_000  # pairs of workflows; beyond it the analysis says that it is not complete


@dataclass(frozen=True, slots=True)
class AnalysedWorkflow:
    """An active workflow and the definition of its active version."""

    workflow_id: str
    definition: WorkflowDefinition


@dataclass(frozen=True, slots=True)
class Step:
    """A workflow of a loop, and what it does that starts the next one."""

    workflow_id: str
    name: str
    causes: str


@dataclass(frozen=True, slots=True)
class Loop:
    """Workflows that start each other in a circle; `stopped_by` says which guard ends it when it happens."""

    path: tuple[Step, ...]
    stopped_by: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two workflows that can run for one event and set the same thing to different values."""

    module: str
    field: str
    workflow_ids: tuple[str, str]
    names: tuple[str, str]
    sentence: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """All loops and conflicts found. `complete` is false if there were too many workflows to compare all."""

    loops: tuple[Loop, ...]
    conflicts: tuple[Conflict, ...]
    complete: bool = True

    def involving(self, workflow_id: str) -> "Analysis":
        """Those that a workflow takes part in."""
        return Analysis(
            tuple(loop for loop in self.loops if any(step.workflow_id == workflow_id for step in loop.path)),
            tuple(conflict for conflict in self.conflicts if workflow_id in conflict.workflow_ids),
            self.complete,
        )


def analyse(workflows: Sequence[AnalysedWorkflow]) -> Analysis:
    """Loops and conflicting writes among the active workflows of one tenant."""
    ordered = sorted(workflows, key=lambda workflow: workflow.workflow_id)
    conflicts, complete = _conflicts(ordered)
    return Analysis(tuple(_loops(ordered)), tuple(conflicts), complete)


Edges = Mapping[str, Mapping[str, Consequence]]
"""workflow id → workflow id it may start → by what."""


def _edges(workflows: Sequence[AnalysedWorkflow]) -> Edges:
    listening: dict[tuple[str, str], list[AnalysedWorkflow]] = {}
    for workflow in workflows:
        trigger = workflow.definition.trigger
        for event in specific_events(trigger.module, trigger.event):
            listening.setdefault((trigger.module, event), []).append(workflow)
    edges: dict[str, dict[str, Consequence]] = {workflow.workflow_id: {} for workflow in workflows}
    for workflow in workflows:
        for consequence in consequences_of(workflow.definition):
            for event in consequence.events:
                for other in listening.get((consequence.module, event), ()):
                    if other.workflow_id not in edges[workflow.workflow_id] and may_trigger(
                        consequence, other.definition
                    ):
                        edges[workflow.workflow_id][other.workflow_id] = consequence
    return edges


def _loops(workflows: Sequence[AnalysedWorkflow]) -> Iterator[Loop]:
    edges = _edges(workflows)
    by_id = {workflow.workflow_id: workflow.definition for workflow in workflows}
    seen: set[frozenset[str]] = set()
    for start in edges:
        circle = _shortest_circle(start, edges)
        if circle is None or frozenset(circle) in seen:
            continue
        seen.add(frozenset(circle))
        yield _loop(circle, edges, by_id)
        if len(seen) >= LOOPS_MAX:
            return


def _shortest_circle(start: str, edges: Edges) -> tuple[str, ...] | None:
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        current = waiting.popleft()
        for following in edges[current]:
            if following == start:
                return _path_back(start, current, came_from)
            if following not in came_from:
                came_from[following] = current
                waiting.append(following)
    return None


def _path_back(start: str, last: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    path = [last]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def _loop(circle: tuple[str, ...], edges: Edges, by_id: Mapping[str, WorkflowDefinition]) -> Loop:
    steps = tuple(
        Step(workflow_id, by_id[workflow_id].name, edges[workflow_id][following].sentence)
        for workflow_id, following in zip(circle, (*circle[1:], circle[0]), strict=True)
    )
    avoiding = [by_id[workflow_id].name for workflow_id in circle if by_id[workflow_id].reentry == "avoid"]
    stopped_by = (
        f"reentry: avoid of {avoiding[0]!r} ends it when it comes round"
        if avoiding
        else "only its depth of 10 ends it"
    )
    told = ", which starts ".join(f"{step.name!r} {step.causes}" for step in steps)
    return Loop(steps, stopped_by, f"{told}, which starts {steps[0].name!r} again; {stopped_by}")


def _conflicts(workflows: Sequence[AnalysedWorkflow]) -> tuple[list[Conflict], bool]:
    writers: dict[tuple[str, str], list[tuple[AnalysedWorkflow, Write]]] = {}
    for workflow in workflows:
        for write in writes_of(workflow.definition):
            if write.kind != "record":
                key = (workflow.definition.trigger.module, write.name)
                writers.setdefault(key, []).append((workflow, write))
    conflicts: list[Conflict] = []
    compared = 0
    for (module, field), group in writers.items():
        for (left, left_write), (right, right_write) in combinations(group, 2):
            compared += 1
            if compared > COMPARED_MAX or len(conflicts) >= CONFLICTS_MAX:
                return conflicts, False
            if (
                left.workflow_id != right.workflow_id
                and _differ(left_write, right_write)
                and _can_meet(left, right)
            ):
                conflicts.append(_conflict(module, field, (left, left_write), (right, right_write)))
    return conflicts, True


def _differ(left: Write, right: Write) -> bool:
    if left.value is None or right.value is None:
        return True
    return text_key(left.value) != text_key(right.value)


def _can_meet(left: AnalysedWorkflow, right: AnalysedWorkflow) -> bool:
    """Can both run for one event?"""
    one, other = left.definition, right.definition
    if not _events(one.trigger) & _events(other.trigger):
        return False
    for ours, theirs in ((one.trigger.to, other.trigger.to), (one.trigger.from_, other.trigger.from_)):
        if (
            ours is not None
            and theirs is not None
            and not set(map(text_key, ours)) & set(map(text_key, theirs))
        ):
            return False
    conditions = tuple(condition for condition in (one.conditions, other.conditions) if condition is not None)
    try:
        return possible_outcomes(AllOf(all=conditions)) is not Possible.NEVER
    except RulesError:
        return True


def _events(trigger: Trigger) -> set[str]:
    return {f"{trigger.module}.{event}" for event in specific_events(trigger.module, trigger.event)}


def _conflict(
    module: str, field: str, left: tuple[AnalysedWorkflow, Write], right: tuple[AnalysedWorkflow, Write]
) -> Conflict:
    (one, one_write), (other, other_write) = left, right
    names = (one.definition.name, other.definition.name)
    told = " and ".join(
        f"{name!r} sets it to {write.value or 'a value that depends on the record'}"
        for name, write in zip(names, (one_write, other_write), strict=True)
    )
    sentence = f"{field} of {module}: {told}, for the same event; the later of the two wins"
    return Conflict(module, field, (one.workflow_id, other.workflow_id), names, sentence)
