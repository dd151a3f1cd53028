"""The parts of a broken workflow document that are in order by themselves and can be looked at, too."""

from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from signalbox_contracts.definitions.document import ActionDefinition, Condition, Trigger
from signalbox_contracts.definitions.ids import assign_action_ids
from signalbox_contracts.definitions.limits import shape_problems

Part = TypeVar("Part")

_TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)
_CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
_ACTION: TypeAdapter[ActionDefinition] = TypeAdapter(ActionDefinition)


class WellFormedParts(NamedTuple):
    """What of a document has its shape; actions with their index."""

    trigger: Trigger | None
    conditions: Condition | None
    actions: list[tuple[int, ActionDefinition]]


def well_formed_parts(document: object) -> WellFormedParts:
    """Those parts; none if the document as a whole is over a limit."""
    if shape_problems(document):
        return WellFormedParts(None, None, [])
    with_ids = assign_action_ids(document)
    if not isinstance(with_ids, dict):
        return WellFormedParts(None, None, [])
    listed = with_ids.get("actions")
    candidates = enumerate(listed) if isinstance(listed, list) else ()
    read = [(index, _read(_ACTION, action)) for index, action in candidates]
    return WellFormedParts(
        _read(_TRIGGER, with_ids.get("trigger")),
        _read(_CONDITION, with_ids.get("conditions")),
        [(index, action) for index, action in read if action is not None],
    )


def _read(adapter: TypeAdapter[Part], value: Any) -> Part | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        return None
