"""Send Email."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from signalbox_contracts.definitions.document import Problem
from signalbox_rules.actions.action import (
    Action,
    ActionContext,
    HeaderTemplate,
    HtmlTemplate,
    Listed,
    Parameters,
    Preview,
    TextTemplate,
    Users,
)
from signalbox_rules.actions.references import recipient_problems
from signalbox_rules.actions.rendering import Rendering
from signalbox_rules.record_catalog import RecordModule

RECIPIENTS_MAX: Final = 50  # of each kind; a workflow is no mailing list

_Recipients = Annotated[tuple[TextTemplate, ...], Listed, Field(max_length=RECIPIENTS_MAX)]


class SendEmail(Parameters):
    """Recipients are addresses or ids of users. The mail is written here, or in a template named by
    `template`.
    """

    to: Annotated[tuple[TextTemplate, ...], Listed, Field(min_length=1, max_length=RECIPIENTS_MAX)]
    cc: _Recipients = ()
    bcc: _Recipients = ()
    reply_to: TextTemplate | None = None
    subject: HeaderTemplate | None = None
    text: TextTemplate | None = None
    html: HtmlTemplate | None = None
    template: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if self.template is None and (self.subject is None or (self.text is None and self.html is None)):
            raise ValueError("needs a subject and a text or html, or the name of a template")
        return self


def _render(parameters: SendEmail, context: ActionContext) -> Preview:
    rendering = Rendering(context)
    mail: dict[str, Any] = {
        "to": rendering.addresses("/to", parameters.to, required=True),
        "cc": rendering.addresses("/cc", parameters.cc, required=False),
        "bcc": rendering.addresses("/bcc", parameters.bcc, required=False),
    }
    if parameters.reply_to is not None:
        mail["reply_to"] = next(
            iter(rendering.addresses("/reply_to", (parameters.reply_to,), required=False)), None
        )
    if parameters.subject is None:
        rendering.refuse(
            "/template",
            f"the mail template {parameters.template!r} was not copied into this version; publish again",
        )
        return rendering.done(mail)
    mail["subject"] = rendering.text("/subject", parameters.subject, "header").strip()
    if parameters.text is not None:
        mail["text"] = rendering.text("/text", parameters.text, "text")
    if parameters.html is not None:
        mail["html"] = rendering.text("/html", parameters.html, "html")
    return rendering.done(mail)


def _references(parameters: SendEmail, _module: RecordModule | None, users: Users) -> Iterator[Problem]:
    yield from recipient_problems(parameters.to, "/to", users)
    yield from recipient_problems(parameters.cc, "/cc", users)
    yield from recipient_problems(parameters.bcc, "/bcc", users)


SEND_EMAIL: Final = Action(
    type="send_email",
    label="Send email",
    description="Sends a mail to addresses or users.",
    topic="actions.send-email",
    parameters=SendEmail,
    example={
        "to": ["{{ record.email }}"],
        "subject": "Welcome, {{ record.name }}",
        "text": "Thank you for asking.",
    },
    timeout_seconds=30,
    timeout_seconds_max=120,
    render=_render,
    references=_references,
)
