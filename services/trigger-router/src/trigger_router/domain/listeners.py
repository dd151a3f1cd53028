"""Which workflows are active, and were active when an event happened, folded from `workflows.definitions`.

An event is judged by what was in effect when the broker appended it. The router may be behind: a lead that
came while a workflow was paused must not run because somebody activated the workflow before the router got
to the lead. So the last changes are remembered, and undone for events that are older than they are.
"""

from collections import deque
from typing import Final, NamedTuple

import msgspec

from signalbox_contracts.definitions.document import Trigger
from signalbox_contracts.errors import ContractError
from signalbox_contracts.messages import Message, WorkflowState, WorkflowVersion
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.triggers import TriggerIndex

CHANGES_REMEMBERED_MAX: Final = 10_000
"""A router that is further behind than so many changes judges by the oldest state it still knows."""
CLOCK_SKEW_MS: Final = 5
"""Brokers' clocks may differ by so much before an event after a 200 is judged by what was before it."""

WorkflowKey = tuple[str, str]
"""(tenant, workflow id)"""


class RoutedPart(msgspec.Struct, frozen=True):
    """What routing needs of a definition; the rest of it is passed over."""

    trigger: msgspec.Raw
    reentry: str = "avoid"


class Change(NamedTuple):
    """A state of a workflow that came into effect at `at_ms`, and what was before."""

    at_ms: int
    key: WorkflowKey
    before: ActiveWorkflow | None


class Listeners:
    """The active workflows. A version counts from the state that names it."""

    def __init__(self) -> None:
        self._index = TriggerIndex.build(())
        self._active: dict[WorkflowKey, ActiveWorkflow] = {}
        self._definitions: dict[WorkflowKey, dict[int, bytes]] = {}
        self._changes: deque[Change] = deque(maxlen=CHANGES_REMEMBERED_MAX)
        self._past: tuple[int, TriggerIndex] | None = None
        """How many changes were undone for the last late event, and the index that gave."""

    def apply(self, message: Message, appended_at_ms: int) -> None:
        """Takes one message of `workflows.definitions` in. Raises ContractError for any other."""
        match message:
            case WorkflowVersion(tenant_id=tenant_id, workflow_id=workflow_id, version=version):
                versions = self._definitions.setdefault((tenant_id, workflow_id), {})
                versions[version] = message.definition
            case WorkflowState():
                self._apply_state(message, appended_at_ms)
            case _:
                raise ContractError(f"{type(message).__name__} does not belong on workflows.definitions.")

    def at(self, time_ms: int) -> TriggerIndex:
        """The workflows that were active at `time_ms`, the append time of an event."""
        undone = 0
        for change in reversed(self._changes):
            if change.at_ms <= time_ms + CLOCK_SKEW_MS:
                break
            undone += 1
        if undone == 0:
            return self._index
        if self._past is None or self._past[0] != undone:
            self._past = (undone, self._with_undone(undone))
        return self._past[1]

    def _with_undone(self, count: int) -> TriggerIndex:
        index = self._index
        latest_first = list(self._changes)[: -count - 1 : -1]
        for change in latest_first:
            if change.before is None:
                index = index.without_workflow(*change.key)
            else:
                index = index.with_workflow(change.before)
        return index

    def _apply_state(self, state: WorkflowState, appended_at_ms: int) -> None:
        key = (state.tenant_id, state.workflow_id)
        self._changes.append(Change(appended_at_ms, key, self._active.pop(key, None)))
        self._past = None
        if state.status != "active":
            self._index = self._index.without_workflow(*key)
            return
        versions = self._definitions.get(key, {})
        definition = versions.get(state.version)
        if definition is None:
            raise ContractError(
                f"Workflow {state.workflow_id} of {state.tenant_id} is active in version {state.version}, "
                "which workflows.definitions does not hold. Publish it again."
            )
        self._active[key] = active = _active(state, definition)
        self._index = self._index.with_workflow(active)
        for older in [version for version in versions if version < state.version]:
            del versions[older]


def _active(state: WorkflowState, definition: bytes) -> ActiveWorkflow:
    part = msgspec.json.decode(definition, type=RoutedPart)
    return ActiveWorkflow(
        tenant_id=state.tenant_id,
        workflow_id=state.workflow_id,
        version=state.version,
        name=state.name,
        trigger=Trigger.model_validate_json(bytes(part.trigger)),
        reentry="allow" if part.reentry == "allow" else "avoid",
    )
