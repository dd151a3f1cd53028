"""The workflows that one event of one module of one tenant concerns, kept by what their triggers name."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Final, Literal

from signalbox_contracts.definitions.document import Trigger
from signalbox_rules.narrowing import Change
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import text_key

RecordLoader = Callable[[], tuple[Any, Any]]
"""→ (record, previous, which is None if created or NOT_PUBLISHED); called once, if a trigger is narrowed."""


@dataclass(frozen=True, slots=True)
class ActiveWorkflow:
    """What a router knows of an active workflow."""

    tenant_id: str
    workflow_id: str
    version: int
    name: str
    trigger: Trigger
    reentry: Literal["avoid", "allow"]


Workflows = tuple[ActiveWorkflow, ...]
Lists = Mapping[str, Workflows]
Edit = Callable[[Workflows], Workflows]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Those that always run, and the narrowed ones by what they name; every list sorted by workflow id."""

    unnarrowed: Workflows = ()
    by_field: Lists = field(default_factory=dict)
    """By the first step of each field they name."""

    by_stage: Lists = field(default_factory=dict)
    """By each stage of `to`."""

    by_left_stage: Workflows = ()
    """Those that only name stages of `from`."""

    def edited(self, edit: Edit, trigger: Trigger) -> "Listeners":
        """A copy in which every list that a workflow with this trigger belongs to is edited."""
        if trigger.fields is not None:
            return replace(self, by_field=_edited(self.by_field, _first_steps(trigger.fields), edit))
        if trigger.to is not None:
            return replace(self, by_stage=_edited(self.by_stage, set(map(text_key, trigger.to)), edit))
        if trigger.from_ is not None:
            return replace(self, by_left_stage=edit(self.by_left_stage))
        return replace(self, unnarrowed=edit(self.unnarrowed))

    def is_empty(self) -> bool:
        """Is there none at all?"""
        return not (self.unnarrowed or self.by_field or self.by_stage or self.by_left_stage)

    def matching(self, load_record: RecordLoader) -> Workflows:
        """Those whose narrowing, if they have one, holds; sorted by workflow id."""
        if not (self.by_field or self.by_stage or self.by_left_stage):
            return self.unnarrowed
        change = Change(*load_record())
        named = {workflow.workflow_id: workflow for workflow in self._named(change)}
        held = [workflow for workflow in named.values() if change.satisfies(workflow.trigger)]
        return tuple(sorted((*self.unnarrowed, *held), key=by_id)) if held else self.unnarrowed

    def _named(self, change: Change) -> Iterator[ActiveWorkflow]:
        yield from self.by_left_stage
        if self.by_field:
            for name in change.changed_names():
                yield from self.by_field.get(name, ())
        if self.by_stage:
            yield from self.by_stage.get(change.stage(), ())


def _first_steps(fields: Iterable[str]) -> set[str]:
    return {str(parse_path(name)[0]) for name in fields}


def _edited(lists: Lists, names: Iterable[str], edit: Edit) -> Lists:
    copy = dict(lists)
    for name in names:
        workflows = edit(copy.get(name, ()))
        if workflows:
            copy[name] = workflows
        else:
            copy.pop(name, None)
    return copy


by_id: Final[Callable[[ActiveWorkflow], str]] = attrgetter("workflow_id")
"""The order of workflows."""


def listeners_of(workflows: Iterable[ActiveWorkflow]) -> Listeners:
    """The listeners of one event, all at once."""
    unnarrowed: list[ActiveWorkflow] = []
    by_left_stage: list[ActiveWorkflow] = []
    by_field: dict[str, list[ActiveWorkflow]] = {}
    by_stage: dict[str, list[ActiveWorkflow]] = {}
    for workflow in sorted(workflows, key=by_id):
        trigger = workflow.trigger
        if trigger.fields is not None:
            for name in _first_steps(trigger.fields):
                by_field.setdefault(name, []).append(workflow)
        elif trigger.to is not None:
            for stage in set(map(text_key, trigger.to)):
                by_stage.setdefault(stage, []).append(workflow)
        elif trigger.from_ is not None:
            by_left_stage.append(workflow)
        else:
            unnarrowed.append(workflow)
    return Listeners(tuple(unnarrowed), _frozen(by_field), _frozen(by_stage), tuple(by_left_stage))


def _frozen(lists: Mapping[str, list[ActiveWorkflow]]) -> Lists:
    return {name: tuple(workflows) for name, workflows in lists.items()}
