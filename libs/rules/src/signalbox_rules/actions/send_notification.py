"""Send Notification."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    Listed,
    Parameters,
    Preview,
    TextTemplate,
    Users,
)
from signalbox_rules.actions.references import users_problems
from signalbox_rules.actions.rendering import Rendering
from signalbox_rules.record_catalog import RecordModule

MESSAGE_MAX: Final = 10_000  # characters; it is read in a corner of a screen


class SendNotification(Parameters):
    """`to` are ids of users; the message is plain text."""

    to: Annotated[tuple[TextTemplate, ...], Listed, Field(min_length=1, max_length=200)]
    message: Annotated[TextTemplate, Field(min_length=1, max_length=MESSAGE_MAX)]


def _render(parameters: SendNotification, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    message = rendering.text("/message", parameters.message, "text").strip()
    if not message:
        rendering.refuse("/message", "is empty; a notification needs a text")
    return rendering.done({"to": rendering.users("/to", parameters.to), "message": message[:MESSAGE_MAX]})


def _references(
    parameters: SendNotification, _module: RecordModule | None, users: Users
) -> Iterator[Problem]:
    yield from users_problems(parameters.to, "/to", users)


SEND_NOTIFICATION: Final = Action(
    type="send_notification",
    label="Send notification",
    description="Shows a message to users inside the CRM.",
    topic="actions.send-notification",
    parameters=SendNotification,
    example={"to": ["u-2"], "message": "New lead {{ record.name }}"},
    timeout_seconds=60,
    timeout_seconds_max=86_400,
    render=_render,
    references=_references,
)
