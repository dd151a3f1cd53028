"""Change Field."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    JsonTemplate,
    Parameters,
    Preview,
    Users,
    Write,
)
from signalbox_rules.actions.create_task import field_path
from signalbox_rules.actions.references import field_problems, is_fixed, option_problems
from signalbox_rules.actions.rendering import Rendering
from signalbox_rules.narrowing import STAGE_FIELD
from signalbox_rules.record_catalog import RecordModule


class ChangeField(Parameters):
    """`value` is any JSON value with templates inside; null empties the field."""

    field: Annotated[str, AfterValidator(field_path)]
    value: JsonTemplate


def _render(parameters: ChangeField, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    return rendering.done({"field": parameters.field, "value": rendering.value("/value", parameters.value)})


def _writes(parameters: ChangeField) -> tuple[Write, ...]:
    value: Any = parameters.value
    # However the stage is set, the CRM tells of it as of a moved stage.
    kind: Literal["field", "stage"] = "stage" if parameters.field == STAGE_FIELD else "field"
    fixed = is_fixed(value) or isinstance(value, bool | int | float)
    return (Write(kind, parameters.field, value if fixed else None),)


def _references(parameters: ChangeField, module: RecordModule | None, _users: Users) -> Iterator[Problem]:
    yield from field_problems(parameters.field, "/field", module)
    yield from option_problems(parameters.field, parameters.value, "/value", module)


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
    references=_references,
)
