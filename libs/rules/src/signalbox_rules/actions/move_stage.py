"""Move Stage."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    Parameters,
    Preview,
    TextTemplate,
    Users,
    Write,
)
from signalbox_rules.actions.references import is_fixed, stage_problems
from signalbox_rules.actions.rendering import Rendering
from signalbox_rules.record_catalog import RecordModule

NEXT: Final = "next"


class MoveStage(Parameters):
    """`stage` is a stage's name, or `next` for the one after the record's stage, which the CRM works out."""

    stage: Annotated[TextTemplate, Field(min_length=1)]


def _render(parameters: MoveStage, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    stage = rendering.text("/stage", parameters.stage, "text").strip()
    if not stage:
        rendering.refuse("/stage", 'is empty; name a stage, or "next"')
    return rendering.done({"stage": stage})


def _writes(parameters: MoveStage) -> tuple[Write, ...]:
    fixed = parameters.stage.strip() != NEXT and is_fixed(parameters.stage)
    return (Write("stage", "stage", parameters.stage if fixed else None),)


def _references(parameters: MoveStage, module: RecordModule | None, _users: Users) -> Iterator[Problem]:
    if parameters.stage.strip() != NEXT:
        yield from stage_problems((parameters.stage,), "/stage", module)


MOVE_STAGE: Final = Action(
    type="move_stage",
    label="Move stage",
    description="Moves the record to another stage of its pipeline.",
    topic="actions.move-stage",
    parameters=MoveStage,
    example={"stage": "Qualified"},
    timeout_seconds=60,
    timeout_seconds_max=86_400,
    writes=_writes,
    render=_render,
    references=_references,
)
