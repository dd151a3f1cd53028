"""Create Task."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, model_validator

from signalbox_contracts.definitions.document import Problem
from signalbox_contracts.definitions.durations import parse_duration
from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    HeaderTemplate,
    Parameters,
    Preview,
    TextTemplate,
    Users,
    Write,
)
from signalbox_rules.actions.references import field_problems, user_problems
from signalbox_rules.actions.rendering import Rendering
from signalbox_rules.operators.dates import shifted
from signalbox_rules.paths import parse_path, value_at
from signalbox_rules.reading import read_moment
from signalbox_rules.record_catalog import RecordModule


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def field_path(text: str) -> str:
    """A validator of field paths."""
    parse_path(text)
    return text


class CreateTask(Parameters):
    """Due a duration after the event (`due_in`), or on the date in a field of the record (`due_field`)."""

    subject: Annotated[HeaderTemplate, Field(min_length=1)]
    description: TextTemplate | None = None
    assignee: TextTemplate | None = None
    priority: TextTemplate | None = None
    due_in: Annotated[str, AfterValidator(_duration)] | None = None
    due_field: Annotated[str, AfterValidator(field_path)] | None = None

    @model_validator(mode="after")
    def _is_due_once(self) -> Self:
        if self.due_in is not None and self.due_field is not None:
            raise ValueError("has both due_in and due_field; keep one")
        return self


def _render(parameters: CreateTask, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    task: dict[str, Any] = {"subject": rendering.text("/subject", parameters.subject, "header").strip()}
    if not task["subject"]:
        rendering.refuse("/subject", "is empty; a task needs a subject")
    if parameters.description is not None:
        task["description"] = rendering.text("/description", parameters.description, "text")
    if parameters.assignee is not None:
        task["assignee"] = rendering.user("/assignee", parameters.assignee)
    if parameters.priority is not None:
        task["priority"] = rendering.text("/priority", parameters.priority, "text").strip()
    due_at = _due_at(parameters, context, rendering)
    if due_at is not None:
        task["due_at"] = due_at
    return rendering.done(task)


def _due_at(parameters: CreateTask, context: ActionContext, rendering: Rendering) -> str | None:
    if parameters.due_in is not None:
        return _written(shifted(context.event_time, parse_duration(parameters.due_in), 1))
    if parameters.due_field is None:
        return None
    found = value_at(context.variables.variables.get("record"), parse_path(parameters.due_field))
    moment = read_moment(found)
    if moment is None:
        rendering.warn("/due_field", (f"{parameters.due_field} is no date, so the task has no due date",))
        return None
    return moment.start.date().isoformat() if moment.is_date else _written(moment.start)


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _references(parameters: CreateTask, module: RecordModule | None, users: Users) -> Iterator[Problem]:
    yield from user_problems(parameters.assignee, "/assignee", users)
    yield from field_problems(parameters.due_field, "/due_field", module)


CREATE_TASK: Final = Action(
    type="create_task",
    label="Create task",
    description="Creates a task in the CRM for the record.",
    topic="actions.create-task",
    parameters=CreateTask,
    example={"subject": "Call {{ record.name }}", "due_in": "P1D", "assignee": "{{ record.owner }}"},
    timeout_seconds=60,
    timeout_seconds_max=86_400,
    writes=lambda _parameters: (Write("record", "tasks"),),
    render=_render,
    references=_references,
)
