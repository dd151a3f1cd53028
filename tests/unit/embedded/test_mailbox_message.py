"""What the mailbox shows of a message."""

from datetime import UTC, datetime
from email.message import EmailMessage

import msgspec

from signalbox_embedded.mailbox_message import read_message

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def smtp_bytes(message: EmailMessage) -> bytes:
    return message.as_bytes().replace(b"\n", b"\r\n")


def test_a_message_with_text_and_html_shows_both_as_they_were_written() -> None:
    message = EmailMessage()
    message["From"] = "Signalbox <no-reply@example.org>"
    message["To"] = "ada@example.org"
    message["Subject"] = "Grüße, Ada"
    message["Message-ID"] = "<key@example.org>"
    message.set_content("Hello\nAda")
    message.add_alternative("<p>Hello</p>", subtype="html")
    shown = msgspec.to_builtins(read_message(smtp_bytes(message), ["ada@example.org", "boss@x"], NOON, "m-1"))
    headers = shown.pop("headers")
    assert shown == {
        "id": "m-1",
        "from": "Signalbox <no-reply@example.org>",
        "to": ["ada@example.org", "boss@x"],
        "subject": "Grüße, Ada",
        "text": "Hello\nAda",
        "html": "<p>Hello</p>",
        "received_at": "2026-11-23T12:00:00Z",
    }
    assert headers["Message-ID"] == "<key@example.org>"


def test_what_is_no_message_shows_as_an_empty_one() -> None:
    shown = read_message(b"", [], NOON, "m-1")
    assert (shown.sender, shown.subject, shown.html, shown.headers) == ("", "", "", {})
