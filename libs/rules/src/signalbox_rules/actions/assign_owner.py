"""Assign Owner."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    Listed,
    Parameters,
    Preview,
    TextTemplate,
    Write,
)
from signalbox_rules.actions.rendering import Rendering


class AssignOwner(Parameters):
    """One `owner`, or several in turn (`round_robin`; whose turn it is, the CRM keeps with the change)."""

    owner: Annotated[TextTemplate, Field(min_length=1)] | None = None
    round_robin: Annotated[tuple[TextTemplate, ...], Listed, Field(min_length=1, max_length=200)] | None = (
        None
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.owner is None) == (self.round_robin is None):
            raise ValueError("needs owner or round_robin, and not both")
        return self


def _render(parameters: AssignOwner, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    if parameters.owner is not None:
        return rendering.done({"owner": rendering.user("/owner", parameters.owner)})
    return rendering.done({"round_robin": rendering.users("/round_robin", parameters.round_robin or ())})


def _writes(parameters: AssignOwner) -> tuple[Write, ...]:
    fixed = parameters.owner is not None and "{{" not in parameters.owner and "{%" not in parameters.owner
    return (Write("field", "owner", parameters.owner if fixed else None),)


ASSIGN_OWNER: Final = Action(
    type="assign_owner",
    label="Assign owner",
    description="Gives the record to a user, or to several in turn.",
    topic="actions.assign-owner",
    parameters=AssignOwner,
    example={"round_robin": ["u-2", "u-3"]},
    timeout_seconds=60,
    timeout_seconds_max=86_400,
    writes=_writes,
    render=_render,
)
