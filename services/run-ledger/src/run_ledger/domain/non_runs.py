"""Why a workflow made nothing of an event: what it was when the event happened, as its definitions tell.

States are compacted on their topic: where none so old is left, the answer says that it is unknown.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from signalbox_contracts.definitions.document import WorkflowDefinition
from signalbox_contracts.messages import CrmEvent, WorkflowState
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.modules.registry import specific_events
from signalbox_rules.record_context import NOT_PUBLISHED
from signalbox_rules.triggers import TriggerIndex

Reason: TypeAlias = Literal["published-later", "paused", "archived", "narrowed-trigger", "unknown"]


class Published(msgspec.Struct, frozen=True):
    """One version and when it was published."""

    version: int
    published_at_ms: int
    definition: WorkflowDefinition


class WorkflowHistory(msgspec.Struct, frozen=True):
    """What is known of a workflow: its versions and states, oldest first."""

    tenant_id: str
    workflow_id: str
    name: str
    versions: tuple[Published, ...]
    states: tuple[WorkflowState, ...]


class NonRun(msgspec.Struct, frozen=True):
    """One workflow that made nothing of an event."""

    workflow_id: str
    workflow_name: str
    version: int | None
    reason: Reason
    detail: str


def non_runs(
    event: CrmEvent, at_ms: int, histories: Iterable[WorkflowHistory], judged: frozenset[str]
) -> list[NonRun]:
    """The workflows that listen to such events and did not judge this one, which came at `at_ms`."""
    found = (_why(event, at_ms, history) for history in histories if history.workflow_id not in judged)
    return [non_run for non_run in found if non_run is not None]


def _why(event: CrmEvent, at_ms: int, history: WorkflowHistory) -> NonRun | None:
    def because(version: int | None, reason: Reason, detail: str) -> NonRun:
        return NonRun(history.workflow_id, history.name, version, reason, detail)

    concerned = [each for each in history.versions if _concerns(each, event)]
    if not concerned:
        return None
    if history.versions[0].published_at_ms > at_ms:
        return because(None, "published-later", "Its first version was published after the event.")
    known = [state for state in history.states if state.changed_at_ms <= at_ms]
    if not known:
        return because(None, "unknown", "Whether it was active then is not known any more.")
    state = known[-1]
    if state.status != "active":
        reason: Reason = "paused" if state.status == "paused" else "archived"
        return because(state.version, reason, f"It was {state.status} when the event came.")
    active = next((each for each in history.versions if each.version == state.version), None)
    if active is None or not _concerns(active, event):
        later = [each.version for each in concerned if each.version > state.version]
        if not later:
            return None
        detail = f"Version {later[0]}, which listens to such events, was published after it."
        return because(state.version, "published-later", detail)
    if not _matches(history, active, event):
        return because(active.version, "narrowed-trigger", "Its trigger asks for another change.")
    return because(active.version, "unknown", "Its judgement is on its way, or is not kept any more.")


def _concerns(published: Published, event: CrmEvent) -> bool:
    trigger = published.definition.trigger
    return trigger.module == event.module and event.event in specific_events(trigger.module, trigger.event)


def _matches(history: WorkflowHistory, published: Published, event: CrmEvent) -> bool:
    definition = published.definition
    workflow = ActiveWorkflow(
        history.tenant_id,
        history.workflow_id,
        published.version,
        definition.name,
        definition.trigger,
        definition.reentry,
    )

    def load() -> tuple[Any, Any]:
        previous = NOT_PUBLISHED if event.previous is None else msgspec.json.decode(event.previous)
        return msgspec.json.decode(event.record), previous

    index = TriggerIndex.build([workflow])
    return bool(index.match(history.tenant_id, event.module, event.event, load))


def history_of(
    versions: Sequence[Published], states: Sequence[WorkflowState], tenant_id: str, workflow_id: str
) -> WorkflowHistory:
    """What is known of one workflow, put in order."""
    ordered = sorted(states, key=lambda state: state.changed_at_ms)
    name = ordered[-1].name if ordered else ""
    return WorkflowHistory(
        tenant_id,
        workflow_id,
        name,
        tuple(sorted(versions, key=lambda each: each.version)),
        tuple(ordered),
    )
