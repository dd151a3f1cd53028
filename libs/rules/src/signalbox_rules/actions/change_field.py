"""Change Field."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator

from signalbox_rules.actions.action import Action, ActionContext, JsonTemplate, Parameters, Preview, Write
from signalbox_rules.actions.create_task import field_path
from signalbox_rules.actions.rendering import Rendering


class ChangeField(Parameters):
    """`value` is any JSON value with templates inside; null empties the field."""

    field: Annotated[str, AfterValidator(field_path)]
    value: JsonTemplate


def _render(parameters: ChangeField, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    return rendering.done({"field": parameters.field, "value": rendering.value("/value", parameters.value)})


def _writes(parameters: ChangeField) -> tuple[Write, ...]:
    value: Any = parameters.value
    fixed = value if isinstance(value, str) and "{{" not in value and "{%" not in value else None
    return (Write("field", parameters.field, fixed),)


CHANGE_FIELD: Final = Action(
    type="change_field",
    label="Change field",
    description="Sets a field of the record.",
    topic="actions.change-field",
    parameters=ChangeField,
    example={"field": "priority", "value": "High"},
    timeout_seconds=60,
    timeout_seconds_max=86_400,
    writes=_writes,
    render=_render,
)
