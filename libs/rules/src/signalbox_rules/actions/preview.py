"""What an action would send: the very function the runner sends by, so a dry run shows nothing else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from signalbox_contracts.definitions.document import Problem
from signalbox_contracts.definitions.problems import located_details
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.actions.action import ActionContext, Parameters, Preview
from signalbox_rules.actions.registry import ACTIONS_BY_TYPE
from signalbox_rules.record_catalog import User
from signalbox_rules.record_context import NotPublished
from signalbox_rules.template_limits import RenderBudget
from signalbox_rules.templates import TemplateContext


def preview(action_type: str, parameters: Mapping[str, Any], context: ActionContext) -> Preview:
    """The rendered parameters of an action. Never raises; problems say why nothing may be sent."""
    checked = checked_parameters(action_type, parameters)
    return checked if isinstance(checked, Preview) else preview_checked(action_type, checked, context)


def checked_parameters(action_type: str, parameters: Mapping[str, Any]) -> Parameters | Preview:
    """The parameters as a value to keep for many runs, or a Preview that says what is wrong with them."""
    action = ACTIONS_BY_TYPE.get(action_type)
    if action is None:
        return Preview({}, problems=(Problem("/type", f"{action_type!r} is not an action"),))
    try:
        return action.parameters.model_validate(parameters)
    except ValidationError as error:
        return Preview({}, problems=tuple(Problem(*located) for located in located_details(error)))


def preview_checked(action_type: str, parameters: Parameters, context: ActionContext) -> Preview:
    """`preview` of parameters that `checked_parameters` gave for the same type of action."""
    return ACTIONS_BY_TYPE[action_type].render(parameters, context)


def event_variables(event: CrmEvent, occurred_at: datetime) -> dict[str, Any]:
    """What templates see of an event, but for its record."""
    return {
        "id": event.event_id,
        "name": event.event,
        "module": event.module,
        "record_id": event.record_id,
        "time": occurred_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "actor": event.actor,
        "origin": event.origin,
    }


def action_context(
    *,
    record: Any,
    previous: Any,
    event: Mapping[str, Any],
    event_record: Any,
    event_time: datetime,
    workflow: Mapping[str, Any],
    run: Mapping[str, Any],
    receipts: Mapping[str, Any],
    users: Mapping[str, User],
    budget: RenderBudget | None = None,
) -> ActionContext:
    """What the parameters of an action are rendered with.

    `record` is as earlier actions of the run left it, `event_record` as it triggered; `event` has id, name,
    module, record_id, time (RFC 3339), actor and origin; `workflow` has id, name and version; `run` has id;
    `receipts` are by action id; `budget` bounds what all the texts may do.
    """
    owner_id = record.get("owner") if isinstance(record, dict) else None
    owner = users.get(owner_id) if isinstance(owner_id, str) else None
    variables = {
        "record": record,
        "previous": None if isinstance(previous, NotPublished) else previous,
        "owner": {"id": owner.id, "name": owner.name, "email": owner.email} if owner else {"id": owner_id},
        "event": {**event, "record": event_record},
        "workflow": dict(workflow),
        "run": dict(run),
        "actions": {action_id: {"receipt": receipt} for action_id, receipt in receipts.items()},
    }
    templates = TemplateContext(variables) if budget is None else TemplateContext(variables, budget)
    return ActionContext(templates, event_time, users)
