"""Mails: who gets what, and what never becomes a header."""

import email
import email.policy

import msgspec
import pytest

from action_runner.domain.mail import MailContent, compose
from action_runner.errors import RefusedMail

KEY = "ab" * 32
CONTENT = MailContent(
    sender="Signalbox <signalbox@crm.example>",
    to=("Ada <ada@example.com>",),
    subject="Welcome",
    text="Hello\n",
    html="<p>Hello</p>",
)


def composed(**changes: object) -> email.message.EmailMessage:
    mail = compose(msgspec.structs.replace(CONTENT, **changes), KEY, "signalbox.local", 1_000)
    return email.message_from_bytes(mail.data, policy=email.policy.SMTP)


def test_text_and_html_are_alternatives() -> None:
    message = composed()
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content().strip() for part in message.iter_parts()] == ["Hello", "<p>Hello</p>"]


@pytest.mark.parametrize(("text", "html", "kind"), [("a", None, "text/plain"), (None, "<p>", "text/html")])
def test_one_of_both_stands_alone(text: str | None, html: str | None, kind: str) -> None:
    assert composed(text=text, html=html).get_content_type() == kind


def test_bcc_is_in_the_envelope_only_and_nobody_gets_it_twice() -> None:
    content = msgspec.structs.replace(
        CONTENT,
        cc=("cc@example.com", "ada@example.com"),
        bcc=("bcc@example.com",),
        reply_to=("r@example.com",),
    )
    mail = compose(content, KEY, "signalbox.local", 0)
    assert mail.recipients == ("ada@example.com", "cc@example.com", "bcc@example.com")
    assert b"bcc@example.com" not in mail.data
    assert b"Reply-To: r@example.com" in mail.data


def test_the_same_key_gives_the_same_bytes_and_a_short_message_id() -> None:
    first = compose(CONTENT, KEY, "signalbox.local", 0)
    assert first == compose(CONTENT, KEY, "signalbox.local", 0)
    assert first.message_id == f"<{KEY[:32]}@signalbox.local>"
    assert compose(CONTENT, "cd" * 32, "signalbox.local", 0).message_id != first.message_id


@pytest.mark.parametrize(
    "character", ["\r", "\n", "\x00", "\r\n ", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\x7f"]
)
@pytest.mark.parametrize("field", ["subject", "to", "cc", "bcc", "reply_to", "sender"])
def test_no_header_value_with_a_line_break_is_sent(field: str, character: str) -> None:
    injected = f"x{character}Bcc: victim@example.com"
    value: object = injected if field in ("subject", "sender") else (injected,)
    with pytest.raises(RefusedMail):
        compose(msgspec.structs.replace(CONTENT, **{field: value}), KEY, "signalbox.local", 0)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "a da@example.com",
        "ada@exa mple.com",
        "ada@example.com, eve@example.com",
        "ada@example.com>",
        "<ada@example.com",
        "Ada <ada@example.com> <eve@example.com>",
        '"quoted"@example.com',
        "ada@example.com (comment)",
        "ada@-example.com",
        "ada@[127.0.0.1]",
        "a" * 250 + "@example.com",
        "ada..b@example.com",
        "ädä@example.com",
    ],
)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    with pytest.raises(RefusedMail):
        compose(msgspec.structs.replace(CONTENT, to=(address,)), KEY, "signalbox.local", 0)


def test_names_and_subjects_in_any_script_survive() -> None:
    message = composed(subject="Größe → 日本語 " * 20, to=('"Łukasz, Ö." <l@bücher.example>',))
    assert (
        message["Subject"] == ("Größe → 日本語 " * 20).strip() or message["Subject"] == "Größe → 日本語 " * 20
    )
    (address,) = message["To"].addresses
    assert (address.display_name, address.addr_spec) == ("Łukasz, Ö.", "l@xn--bcher-kva.example")


@pytest.mark.parametrize(
    "text", ["a" * 5_000, "ü" * 3_000, "\r\n.\r\n", "line\rline", "日本" * 600, "a\x00b"]
)
def test_any_body_survives(text: str) -> None:
    content = composed(text=text, html=None).get_content()
    assert content.replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").replace(
        "\r", "\n"
    ).rstrip("\n")


def test_nobody_to_send_to_is_refused() -> None:
    with pytest.raises(RefusedMail, match="no recipient"):
        compose(msgspec.structs.replace(CONTENT, to=()), KEY, "signalbox.local", 0)
