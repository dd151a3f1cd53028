"""A message as the mailbox shows it, read from what SMTP brought. Pure."""

import email
import email.policy
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

import msgspec


class MailboxMessage(msgspec.Struct, frozen=True, kw_only=True, rename={"sender": "from"}):
    """`to` are the envelope's recipients, so blind copies show; `received_at` is RFC 3339 UTC."""

    id: str
    sender: str
    to: list[str]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    received_at: str


def read_message(
    content: bytes, recipients: Sequence[str], received_at: datetime, message_id: str
) -> MailboxMessage:
    """The message that SMTP's DATA brought; what it lacks is an empty string."""
    message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
    return MailboxMessage(
        id=message_id,
        sender=str(message.get("From", "")),
        to=list(recipients),
        subject=str(message.get("Subject", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name: str(value) for name, value in message.items()},
        received_at=received_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    # SMTP ends lines its own way, and ends every body with one; the sender's text had neither.
    return str(part.get_content()).replace("\r\n", "\n").removesuffix("\n")
