"""Which active workflows an event concerns: an index, so that cost follows the workflows that match."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from signalbox_contracts.definitions import Trigger
from signalbox_rules.modules.registry import specific_events
from signalbox_rules.narrowing import changed_roots, is_narrowed, narrowing_holds, stage_key
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import text_key

RecordLoader = Callable[[], tuple[Any, Any]]
"""→ (record, previous, None if created or NOT_PUBLISHED); called at most once, and only if a trigger is
narrowed.
"""


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
EventKey = tuple[str, str, str]
"""(tenant, module, event)"""

_NO_WORKFLOWS: Final[Workflows] = ()


@dataclass(frozen=True, slots=True)
class Listeners:
    """The workflows of one (tenant, module, event): those that always run, and the narrowed ones by what
    they name.
    """

    unnarrowed: Workflows = ()
    by_field: Mapping[str, Workflows] | None = None
    """By the first step of each field they name."""

    by_stage: Mapping[str, Workflows] | None = None
    """By each stage of `to`."""

    by_left_stage: Workflows = ()
    """Those that only name stages of `from`."""

    def changed(self, change: Callable[[Workflows], Workflows], trigger: Trigger) -> "Listeners":
        """A copy in which every list that the trigger belongs to is changed."""
        if trigger.fields is not None:
            roots = {str(parse_path(field)[0]) for field in trigger.fields}
            return Listeners(
                self.unnarrowed,
                _changed_lists(self.by_field, roots, change),
                self.by_stage,
                self.by_left_stage,
            )
        if trigger.to is not None:
            stages = {text_key(stage) for stage in trigger.to}
            return Listeners(
                self.unnarrowed,
                self.by_field,
                _changed_lists(self.by_stage, stages, change),
                self.by_left_stage,
            )
        if trigger.from_ is not None:
            return Listeners(self.unnarrowed, self.by_field, self.by_stage, change(self.by_left_stage))
        return Listeners(change(self.unnarrowed), self.by_field, self.by_stage, self.by_left_stage)

    @property
    def any(self) -> bool:
        """Is there one at all?"""
        return bool(self.unnarrowed or self.by_field or self.by_stage or self.by_left_stage)

    def matching(self, load_record: RecordLoader) -> Workflows:
        """Those whose narrowing, if they have one, holds; sorted by workflow id."""
        if not (self.by_field or self.by_stage or self.by_left_stage):
            return self.unnarrowed
        record, previous = load_record()
        named: list[ActiveWorkflow] = list(self.by_left_stage)
        if self.by_field:
            for name in changed_roots(record, previous):
                named.extend(self.by_field.get(name, _NO_WORKFLOWS))
        if self.by_stage:
            named.extend(self.by_stage.get(stage_key(record), _NO_WORKFLOWS))
        held = {
            workflow.workflow_id: workflow
            for workflow in named
            if narrowing_holds(workflow.trigger, record, previous)
        }
        if not held:
            return self.unnarrowed
        return tuple(sorted((*self.unnarrowed, *held.values()), key=_by_id))


def _changed_lists(
    lists: Mapping[str, Workflows] | None, names: Iterable[str], change: Callable[[Workflows], Workflows]
) -> Mapping[str, Workflows]:
    copy = dict(lists or {})
    for name in names:
        workflows = change(copy.get(name, _NO_WORKFLOWS))
        if workflows:
            copy[name] = workflows
        else:
            copy.pop(name, None)
    return copy


def _by_id(workflow: ActiveWorkflow) -> str:
    return workflow.workflow_id


@dataclass(frozen=True, slots=True)
class TriggerIndex:
    """All active workflows of all tenants. Frozen: a change gives a new index and shares what did not
    change.
    """

    _listeners: Mapping[EventKey, Listeners]
    _workflows: Mapping[tuple[str, str], ActiveWorkflow]

    @classmethod
    def build(cls, active: Iterable[ActiveWorkflow]) -> "TriggerIndex":
        """The index of these workflows; of two with one tenant and id the later counts."""
        index = cls({}, {})
        for workflow in active:
            index = index.with_workflow(workflow)
        return index

    def __len__(self) -> int:
        return len(self._workflows)

    def with_workflow(self, workflow: ActiveWorkflow) -> "TriggerIndex":
        """The index with a workflow added, or in place of its earlier version."""
        without = self.without_workflow(workflow.tenant_id, workflow.workflow_id)

        def add(workflows: Workflows) -> Workflows:
            return tuple(sorted((*workflows, workflow), key=_by_id))

        return TriggerIndex(
            _with_changed(without._listeners, workflow, add),
            {**without._workflows, (workflow.tenant_id, workflow.workflow_id): workflow},
        )

    def without_workflow(self, tenant_id: str, workflow_id: str) -> "TriggerIndex":
        """The index without a workflow; itself if it is not in it."""
        workflow = self._workflows.get((tenant_id, workflow_id))
        if workflow is None:
            return self

        def remove(workflows: Workflows) -> Workflows:
            return tuple([other for other in workflows if other.workflow_id != workflow_id])

        workflows = dict(self._workflows)
        del workflows[tenant_id, workflow_id]
        return TriggerIndex(_with_changed(self._listeners, workflow, remove), workflows)

    def listens(self, tenant_id: str, module: str, event: str) -> bool:
        """Could any workflow match? Needs only what an event's headers say."""
        return (tenant_id, module, event) in self._listeners

    def match(
        self, tenant_id: str, module: str, event: str, load_record: RecordLoader
    ) -> Sequence[ActiveWorkflow]:
        """The workflows whose trigger matches, each once, sorted by id; narrowing that looks at the record
        included.
        """
        listeners = self._listeners.get((tenant_id, module, event))
        return _NO_WORKFLOWS if listeners is None else listeners.matching(load_record)


def _with_changed(
    listeners: Mapping[EventKey, Listeners],
    workflow: ActiveWorkflow,
    change: Callable[[Workflows], Workflows],
) -> Mapping[EventKey, Listeners]:
    copy = dict(listeners)
    trigger = workflow.trigger
    for event in specific_events(trigger.module, trigger.event):
        key = (workflow.tenant_id, trigger.module, event)
        changed = copy.get(key, Listeners()).changed(change, trigger)
        if changed.any:
            copy[key] = changed
        else:
            copy.pop(key, None)
    return copy


def trigger_is_narrowed(workflow: ActiveWorkflow) -> bool:
    """Does matching this workflow need the record?"""
    return is_narrowed(workflow.trigger)
