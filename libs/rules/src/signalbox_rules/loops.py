"""Workflows that start each other in a circle."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from signalbox_rules.consequences import AnalysedWorkflow, Consequence, consequences_of, may_trigger
from signalbox_rules.modules.registry import specific_events

LOOPS_MAX: Final = 200  # reported; nobody reads more


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


class Graph:
    """Which workflow may start which; worked out as far as somebody asks."""

    def __init__(self, workflows: Sequence[AnalysedWorkflow]) -> None:
        self._workflows = {workflow.workflow_id: workflow for workflow in workflows}
        self._listening: dict[tuple[str, str], list[AnalysedWorkflow]] = {}
        self._following: dict[str, Mapping[str, Consequence]] = {}
        for workflow in workflows:
            trigger = workflow.definition.trigger
            for event in specific_events(trigger.module, trigger.event):
                self._listening.setdefault((trigger.module, event), []).append(workflow)

    def following(self, workflow_id: str) -> Mapping[str, Consequence]:
        """The ids of those a workflow may start, with what starts them."""
        known = self._following.get(workflow_id)
        if known is None:
            known = self._following[workflow_id] = dict(self._started_by(self._workflows[workflow_id]))
        return known

    def _started_by(self, workflow: AnalysedWorkflow) -> Iterator[tuple[str, Consequence]]:
        for consequence in consequences_of(workflow.definition):
            for event in consequence.events:
                for other in self._listening.get((consequence.module, event), ()):
                    if may_trigger(consequence, other.definition):
                        yield other.workflow_id, consequence

    def shortest_circle(self, start: str) -> tuple[str, ...] | None:
        """The ids of the shortest circle through a workflow."""
        came_from: dict[str, str] = {}
        waiting = deque([start])
        while waiting:
            current = waiting.popleft()
            for following in self.following(current):
                if following == start:
                    return _path_back(start, current, came_from)
                if following not in came_from:
                    came_from[following] = current
                    waiting.append(following)
        return None

    def loop(self, circle: tuple[str, ...]) -> Loop:
        """A circle, told."""
        steps = tuple(
            Step(one, self._workflows[one].definition.name, self.following(one)[other].sentence)
            for one, other in zip(circle, (*circle[1:], circle[0]), strict=True)
        )
        definitions = [self._workflows[workflow_id].definition for workflow_id in circle]
        avoiding = [definition.name for definition in definitions if definition.reentry == "avoid"]
        stopped_by = "only its depth of 10 ends it"
        if avoiding:
            stopped_by = f"reentry: avoid of {avoiding[0]!r} ends it when it comes round"
        told = ", which starts ".join(f"{step.name!r} {step.causes}" for step in steps)
        return Loop(steps, stopped_by, f"{told}, which starts {steps[0].name!r} again; {stopped_by}")


def _path_back(start: str, last: str, came_from: Mapping[str, str]) -> tuple[str, ...]:
    path = [last]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def loops_among(workflows: Sequence[AnalysedWorkflow], about: str | None) -> tuple[list[Loop], bool]:
    """The shortest circle through each workflow, each circle once; and whether these are all.

    `about` names the one workflow to look at.
    """
    graph = Graph(workflows)
    starts: Iterable[str] = [workflow.workflow_id for workflow in workflows]
    if about is not None:
        starts = [workflow_id for workflow_id in starts if workflow_id == about]
    found: dict[frozenset[str], Loop] = {}
    for start in starts:
        circle = graph.shortest_circle(start)
        if circle is not None and frozenset(circle) not in found:
            if len(found) == LOOPS_MAX:
                return list(found.values()), False
            found[frozenset(circle)] = graph.loop(circle)
    return list(found.values()), True
