"""A token's current action with its parameters rendered, by the very function that a dry run uses."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from action_runner.errors import UnfitToken
from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import ActionRequested, CrmEvent
from signalbox_rules.actions.action import Parameters, Preview
from signalbox_rules.actions.preview import (
    action_context,
    checked_parameters,
    event_variables,
    preview_checked,
)
from signalbox_rules.record_catalog import User
from signalbox_rules.record_context import NOT_PUBLISHED
from signalbox_rules.template_limits import RenderBudget


def render(token: ActionRequested, users: Mapping[str, User], budget: RenderBudget | None = None) -> Preview:
    """The current action's parameters as they are to be sent, within `budget` (None: counts, but no time).

    Raises UnfitToken for a token that has none.
    """
    if not token.actions:
        raise UnfitToken("The token has no action left, and its run did not end.")
    action = token.actions[0]
    try:
        event = codec.decode(token.event, CrmEvent)
        checked = _checked(action.type, action.parameters)
        event_record = msgspec.json.decode(event.record)
        record = event_record if token.record is None else msgspec.json.decode(token.record)
        previous = NOT_PUBLISHED if event.previous is None else msgspec.json.decode(event.previous)
        receipts = {done.id: msgspec.json.decode(done.receipt) for done in token.completed}
        moment = datetime.fromtimestamp(event.occurred_at_ms / 1000, UTC)
    except (UndecodableMessage, msgspec.DecodeError, ValueError, OverflowError, OSError) as error:
        raise UnfitToken(f"A part of the token can't be read: {error}") from error
    context = action_context(
        record=record,
        previous=previous,
        event=event_variables(event, moment),
        event_record=event_record,
        event_time=moment,
        workflow={"id": token.workflow_id, "name": token.workflow_name, "version": token.version},
        run={"id": token.run_id},
        receipts=receipts,
        users=users,
        budget=budget,
    )
    return checked if isinstance(checked, Preview) else preview_checked(action.type, checked, context)


@lru_cache(maxsize=4_096)
def _checked(action_type: str, parameters: bytes) -> Parameters | Preview:
    """An action's parameters, checked: the same for all runs of a version. A Preview tells what is wrong."""
    return checked_parameters(action_type, _decoder.decode(parameters))


_decoder = msgspec.json.Decoder(dict[str, Any])
