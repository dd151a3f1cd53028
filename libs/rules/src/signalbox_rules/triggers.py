"""Which active workflows an event concerns: an index, so that cost follows the workflows that match."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from signalbox_rules.listeners import (
    ActiveWorkflow,
    Edit,
    Listeners,
    RecordLoader,
    Workflows,
    by_id,
    listeners_of,
)
from signalbox_rules.modules.registry import specific_events

EventKey = tuple[str, str, str]
"""(tenant, module, event)"""


@dataclass(frozen=True, slots=True)
class TriggerIndex:
    """All active workflows of all tenants. Frozen: a change gives a new index, which shares the rest."""

    _listeners: Mapping[EventKey, Listeners]
    _workflows: Mapping[tuple[str, str], ActiveWorkflow]

    @classmethod
    def build(cls, active: Iterable[ActiveWorkflow]) -> "TriggerIndex":
        """The index of these workflows; of two with one tenant and id the later counts."""
        latest = {(workflow.tenant_id, workflow.workflow_id): workflow for workflow in active}
        grouped: dict[EventKey, list[ActiveWorkflow]] = {}
        for workflow in latest.values():
            for key in _keys(workflow):
                grouped.setdefault(key, []).append(workflow)
        return cls({key: listeners_of(workflows) for key, workflows in grouped.items()}, latest)

    def __len__(self) -> int:
        return len(self._workflows)

    def with_workflow(self, workflow: ActiveWorkflow) -> "TriggerIndex":
        """The index with a workflow added, or in place of its earlier version."""
        without = self.without_workflow(workflow.tenant_id, workflow.workflow_id)

        def add(workflows: Workflows) -> Workflows:
            return tuple(sorted((*workflows, workflow), key=by_id))

        return TriggerIndex(
            _edited(without._listeners, workflow, add),
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
        return TriggerIndex(_edited(self._listeners, workflow, remove), workflows)

    def listens(self, tenant_id: str, module: str, event: str) -> bool:
        """Could any workflow match? Needs only what an event's headers say."""
        return (tenant_id, module, event) in self._listeners

    def match(
        self, tenant_id: str, module: str, event: str, load_record: RecordLoader
    ) -> Sequence[ActiveWorkflow]:
        """The workflows whose trigger matches, each once, sorted by id. The record is loaded if need be."""
        listeners = self._listeners.get((tenant_id, module, event))
        return () if listeners is None else listeners.matching(load_record)


def _keys(workflow: ActiveWorkflow) -> Iterator[EventKey]:
    trigger = workflow.trigger
    for event in specific_events(trigger.module, trigger.event):
        yield workflow.tenant_id, trigger.module, event


def _edited(
    listeners: Mapping[EventKey, Listeners], workflow: ActiveWorkflow, edit: Edit
) -> Mapping[EventKey, Listeners]:
    copy = dict(listeners)
    for key in _keys(workflow):
        edited = copy.get(key, Listeners()).edited(edit, workflow.trigger)
        if edited.is_empty():
            copy.pop(key, None)
        else:
            copy[key] = edited
    return copy
