"""A dry run: the verdict and every action of a definition for one event, by the code that runs live."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from signalbox_contracts import ids
from signalbox_contracts.definitions.document import Problem, WorkflowDefinition
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.actions.preview import action_context, event_variables, preview
from signalbox_rules.conditions import compile_condition
from signalbox_rules.errors import TooMuchToJudge
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.record_catalog import User
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext
from signalbox_rules.template_limits import RenderBudget
from signalbox_rules.triggers import TriggerIndex
from signalbox_rules.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Tested:
    """Which workflow is tested, in which form."""

    workflow_id: str
    version: int
    definition: WorkflowDefinition


@dataclass(frozen=True, slots=True)
class ActionTried:
    """An action as it would be sent. With `problems` it would fail and say so."""

    id: str
    type: str
    parameters: Mapping[str, Any]
    effect_key: str
    warnings: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would happen. Actions are shown also when the verdict is no, for whoever is writing them."""

    trigger_matches: bool
    verdict: Verdict
    actions: tuple[ActionTried, ...]
    assumptions: tuple[str, ...]

    @property
    def would_run(self) -> bool:
        return self.trigger_matches and self.verdict.outcome


@dataclass(frozen=True, slots=True)
class Read:
    """An event with its record and previous read."""

    event: CrmEvent
    record: Any
    previous: Any
    moment: datetime

    @classmethod
    def of(cls, event: CrmEvent) -> "Read":
        """Raises msgspec.DecodeError when the record is not JSON."""
        return cls(
            event,
            msgspec.json.decode(event.record),
            NOT_PUBLISHED if event.previous is None else msgspec.json.decode(event.previous),
            datetime.fromtimestamp(event.occurred_at_ms / 1000, UTC),
        )


def dry_run(
    tested: Tested, event: CrmEvent, users: Mapping[str, User], cpu_seconds: Callable[[], float] | None = None
) -> DryRun:
    """Tries `tested` on an event. All its texts share one budget, whose time `cpu_seconds` tells.

    Raises msgspec.DecodeError when the event's record is not JSON.
    """
    read = Read.of(event)
    condition = compile_condition(tested.definition.conditions)
    try:
        verdict = condition.explain(RecordContext(read.record, read.previous, read.moment))
    except TooMuchToJudge as error:
        verdict = Verdict(False, str(error), None)
    actions, assumptions = _try_actions(tested, read, users, RenderBudget(cpu_seconds))
    return DryRun(trigger_matches(tested, read), verdict, actions, assumptions)


def trigger_matches(tested: Tested, read: Read) -> bool:
    """Whether the router would name the workflow for this event."""
    definition, event = tested.definition, read.event
    workflow = ActiveWorkflow(
        event.tenant_id,
        tested.workflow_id,
        tested.version,
        definition.name,
        definition.trigger,
        definition.reentry,
    )
    index = TriggerIndex.build([workflow])
    return bool(index.match(event.tenant_id, event.module, event.event, lambda: (read.record, read.previous)))


def _try_actions(
    tested: Tested, read: Read, users: Mapping[str, User], budget: RenderBudget
) -> tuple[tuple[ActionTried, ...], tuple[str, ...]]:
    event, record = read.event, read.record
    tried: list[ActionTried] = []
    assumptions: list[str] = []
    run_id = ids.run_id(event.occurred_at_ms, event.tenant_id, event.event_id, tested.workflow_id)
    for action in tested.definition.actions:
        context = action_context(
            record=record,
            previous=read.previous,
            event=event_variables(event, read.moment),
            event_record=read.record,
            event_time=read.moment,
            workflow={
                "id": tested.workflow_id,
                "name": tested.definition.name,
                "version": tested.version,
            },
            run={"id": run_id},
            receipts={},
            users=users,
            budget=budget,
        )
        shown = preview(action.type, action.with_, context)
        key = ids.effect_key(event.tenant_id, event.event_id, tested.workflow_id, action.id, 0)
        tried.append(
            ActionTried(action.id, action.type, shown.parameters, key, tuple(shown.warnings), shown.problems)
        )
        record, assumed = _record_after(action.id, action.type, shown.parameters, record)
        assumptions.extend(assumed)
    return tuple(tried), tuple(assumptions)


def _record_after(
    action_id: str, action_type: str, parameters: Mapping[str, Any], record: Any
) -> tuple[Any, tuple[str, ...]]:
    """The record as the CRM would leave it, for the actions after this one, and what is assumed for that."""
    if not isinstance(record, dict):
        return record, ()
    match action_type, parameters:
        case "change_field", {"field": str(field), "value": value} if field.isidentifier():
            return {**record, field: value}, (f"{action_id}: the CRM sets {field} as asked",)
        case "move_stage", {"stage": str(stage)} if stage != "next":
            return {**record, "stage": stage}, (f"{action_id}: the CRM moves the record to {stage}",)
        case "move_stage", {"stage": "next"}:
            return record, (
                f"{action_id}: which stage is next, the CRM knows; later actions see the old one",
            )
        case "assign_owner", {"owner": str(owner)}:
            return {**record, "owner": owner}, (f"{action_id}: the CRM assigns {owner}",)
        case "assign_owner", {"round_robin": _}:
            return record, (f"{action_id}: whose turn it is, the CRM knows; later actions see the old owner",)
        case _:
            return record, ()
