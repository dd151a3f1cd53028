"""Assign Owner."""

from collections.abc import Iterator
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    Listed,
    Parameters,
    Preview,
    TextTemplate,
    Users,
    Write,
)
from signalbox_rules.actions.references import is_fixed, user_problems, users_problems
from signalbox_rules.actions.rendering import Rendering
from signalbox_rules.record_catalog import RecordModule


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
    return (Write("field", "owner", parameters.owner if is_fixed(parameters.owner) else None),)


def _references(parameters: AssignOwner, _module: RecordModule | None, users: Users) -> Iterator[Problem]:
    yield from user_problems(parameters.owner, "/owner", users)
    yield from users_problems(parameters.round_robin or (), "/round_robin", users)


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
    references=_references,
)
