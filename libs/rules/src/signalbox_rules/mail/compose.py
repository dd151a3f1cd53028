"""A mail as it goes to the server, composed by one function for live runs and test mails.

The same key gives the same bytes (but for the date) and the same Message-ID.
"""

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import msgspec

from signalbox_rules.errors import RefusedMail, RulesError
from signalbox_rules.mail.headers import address_header, text_header
from signalbox_rules.mail.recipients import CONTROL, Recipient, parse_recipient

RECIPIENTS_MAX: Final = 100  # of all kinds; RFC 5321 section 4.5.3.1.8 lets servers refuse more
SUBJECT_MAX: Final = 4_000  # characters
MESSAGE_ID_DIGITS: Final = 32  # of the effect key: 128 bits, and the header fits on one line
LINE_7BIT_MAX: Final = 900  # characters; longer lines are broken by servers, so they are encoded
_BODY_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class MailContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a workflow says about a mail, rendered; recipients are addresses, with or without a name."""

    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str
    text: str | None = None
    html: str | None = None


class Mail(msgspec.Struct, frozen=True):
    """An envelope and what is in it."""

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    data: bytes


def compose(content: MailContent, effect_key: str, message_id_domain: str, date_ms: int) -> Mail:
    """The mail to send. Raises RefusedMail, with a sentence for the workflow's author."""
    sender = _recipient("from", content.sender)
    to, cc, bcc = (
        [_recipient(kind, text) for text in texts]
        for kind, texts in (("to", content.to), ("cc", content.cc), ("bcc", content.bcc))
    )
    envelope = dict.fromkeys(recipient.address for recipient in (*to, *cc, *bcc))
    if not envelope:
        raise RefusedMail("The mail has no recipient.")
    if len(to) + len(cc) + len(bcc) > RECIPIENTS_MAX:
        raise RefusedMail(
            f"The mail has {len(to) + len(cc) + len(bcc)} recipients; at most {RECIPIENTS_MAX} are allowed."
        )
    message_id = f"<{effect_key[:MESSAGE_ID_DIGITS]}@{message_id_domain}>"
    date = format_datetime(datetime.fromtimestamp(date_ms // 1000, UTC))
    head = [address_header("From", [sender])]
    head += [address_header(name, found) for name, found in (("To", to), ("Cc", cc)) if found]
    if content.reply_to:
        head.append(address_header("Reply-To", [_recipient("reply_to", text) for text in content.reply_to]))
    head += [
        text_header("Subject", _subject(content.subject)),
        f"Date: {date}\r\n".encode("ascii"),
        f"Message-ID: {message_id}\r\n".encode("ascii"),
        b"Auto-Submitted: auto-generated\r\n",  # RFC 3834: no vacation answers to a machine
    ]
    return Mail(sender.address, tuple(envelope), message_id, b"".join(head) + _body(content, effect_key))


def _recipient(kind: str, text: str) -> Recipient:
    try:
        return parse_recipient(text)
    except RulesError as error:
        raise RefusedMail(f"The mail's {kind} {text[:100]!r} {error}.") from None


def _subject(text: str) -> str:
    if CONTROL.search(text):
        raise RefusedMail("The mail's subject contains a line break or another control character.")
    if len(text) > SUBJECT_MAX:
        raise RefusedMail(
            f"The mail's subject has {len(text):,} characters; at most {SUBJECT_MAX:,} are allowed."
        )
    return text.strip()


def _body(content: MailContent, effect_key: str) -> bytes:
    """The parts with their own headers; what stands in them is never looked at as a header."""
    message = EmailMessage(policy=SMTP)
    match content.text, content.html:
        case None, None:
            raise RefusedMail("The mail has neither text nor html.")
        case str() as text, None:
            _set(message, text, "plain")
        case None, str() as html:
            _set(message, html, "html")
        case str() as text, str() as html:
            _set(message, text, "plain")
            alternative = _without_control(html)
            message.add_alternative(alternative, subtype="html", cte=_transfer_encoding(alternative))
            message.set_boundary(f"signalbox-{effect_key[:MESSAGE_ID_DIGITS]}")
    return message.as_bytes()


def _set(message: EmailMessage, text: str, subtype: str) -> None:
    content = _without_control(text)
    message.set_content(content, subtype=subtype, cte=_transfer_encoding(content))


def _without_control(text: str) -> str:
    """Text without what servers and readers stumble over; tabs and line ends stay."""
    return _BODY_CONTROL.sub("\ufffd", text).encode("utf-8", "replace").decode("utf-8")


def _transfer_encoding(text: str) -> str:
    # 7bit needs short lines; both others are safe for any server and chosen by size.
    if text.isascii() and all(len(line) < LINE_7BIT_MAX for line in text.split("\n")) and "\r" not in text:
        return "7bit"
    return "quoted-printable" if sum(character > "\x7f" for character in text) * 6 < len(text) else "base64"
