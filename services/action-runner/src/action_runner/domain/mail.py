"""A mail as it goes to the server: the same key gives the same bytes (but for its date) and the same
Message-ID.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import msgspec

from action_runner.errors import RefusedMail

RECIPIENTS_MAX = 100
ADDRESS_MAX = 254  # RFC 5321 section 4.5.3.1.3, without the brackets
HEADER_MAX = 4_000
MESSAGE_ID_DIGITS = 32
"""128 bits of the effect key: no two effects share them, and the header fits on one line."""

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_OUR_HEADERS = frozenset(
    (
        *("from", "to", "cc", "reply-to", "subject", "date", "message-id", "auto-submitted"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    )
)


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
    sender = _address("from", content.sender)
    recipients = [
        (kind, _address(kind, text))
        for kind, texts in (("to", content.to), ("cc", content.cc), ("bcc", content.bcc))
        for text in texts
    ]
    if not recipients:
        raise RefusedMail("The mail has no recipient.")
    if len(recipients) > RECIPIENTS_MAX:
        raise RefusedMail(f"The mail has {len(recipients)} recipients; at most {RECIPIENTS_MAX} are allowed.")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    for kind, header in (("to", "To"), ("cc", "Cc")):
        addresses = [address for at, address in recipients if at == kind]
        if addresses:
            message[header] = addresses
    if content.reply_to:
        message["Reply-To"] = [_address("reply_to", text) for text in content.reply_to]
    message["Subject"] = _header_text("subject", content.subject)
    message["Date"] = datetime.fromtimestamp(date_ms // 1000, UTC)
    message_id = f"<{effect_key[:MESSAGE_ID_DIGITS]}@{message_id_domain}>"
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers to a machine
    _set_body(message, content, effect_key)
    data = message.as_bytes()
    _check_head(data)
    envelope = dict.fromkeys(address.addr_spec for _, address in recipients)
    return Mail(sender.addr_spec, tuple(envelope), message_id, data)


def _set_body(message: EmailMessage, content: MailContent, effect_key: str) -> None:
    match content.text, content.html:
        case None, None:
            raise RefusedMail("The mail has neither text nor html.")
        case str() as text, None:
            message.set_content(text, cte=_transfer_encoding(text))
        case None, str() as html:
            message.set_content(html, subtype="html", cte=_transfer_encoding(html))
        case str() as text, str() as html:
            message.set_content(text, cte=_transfer_encoding(text))
            message.add_alternative(html, subtype="html", cte=_transfer_encoding(html))
            message.set_boundary(f"signalbox-{effect_key[:MESSAGE_ID_DIGITS]}")


def _transfer_encoding(text: str) -> str:
    # 7bit needs short lines; both others are safe for any server and chosen by size.
    if text.isascii() and all(len(line) < 900 for line in text.split("\n")) and "\r" not in text:
        return "7bit"
    return "quoted-printable" if sum(character > "\x7f" for character in text) * 6 < len(text) else "base64"


def _header_text(name: str, text: str) -> str:
    """`text`, if it can't be anything but the value of one header."""
    if _CONTROL.search(text):
        raise RefusedMail(f"The mail's {name} contains a line break or another control character.")
    if len(text) > HEADER_MAX:
        raise RefusedMail(
            f"The mail's {name} has {len(text):,} characters; at most {HEADER_MAX:,} are allowed."
        )
    return text


def _address(name: str, text: str) -> Address:
    checked = _header_text(name, text).strip()
    named = _NAMED.fullmatch(checked)
    spec = named["address"].strip() if named else checked
    local, at, domain = spec.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            domain = ""
    if (
        not at
        or _LOCAL.fullmatch(local) is None
        or _DOMAIN.fullmatch(domain) is None
        or len(spec) > ADDRESS_MAX
    ):
        raise RefusedMail(f"The mail's {name} {spec[:100]!r} is not an address that mail can be sent to.")
    display_name = named["name"].strip().strip('"').replace("\\", "").replace('"', "") if named else ""
    return Address(display_name=display_name, username=local, domain=domain)


def _check_head(data: bytes) -> None:
    """The written head once more, line by line: whatever a library does, no header is there that we did not
    set.
    """
    head = data.partition(b"\r\n\r\n")[0]
    seen: set[str] = set()
    for line in head.split(b"\r\n"):
        if line.startswith((b" ", b"\t")):
            continue
        name = line.partition(b":")[0].decode("latin-1").lower()
        if name not in _OUR_HEADERS or name in seen or b"\r" in line or b"\n" in line:
            raise RefusedMail("The mail's head came out with a header that nobody set; it is not sent.")
        seen.add(name)


def recipients_of(value: Sequence[object]) -> tuple[str, ...]:
    """Recipients as a rendered parameter gives them: texts, empty ones left out. Raises RefusedMail."""
    texts = []
    for item in value:
        if not isinstance(item, str):
            raise RefusedMail(f"A recipient is {item!r}, not an address or a user id.")
        if item.strip():
            texts.append(item)
    return tuple(texts)
