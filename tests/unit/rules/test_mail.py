"""Mails: who gets what, and what never becomes a header."""

import email
import email.policy

import idna
import msgspec
import pytest

from signalbox_rules.errors import RefusedMail
from signalbox_rules.mail.compose import MailContent, compose

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


@pytest.mark.parametrize("text", ["a" * 5_000, "ü" * 3_000, "\r\n.\r\n", "line\rline", "日本" * 600])
def test_any_body_survives(text: str) -> None:
    content = composed(text=text, html=None).get_content()
    assert content.replace("\r\n", "\n").rstrip("\n") == text.replace("\r\n", "\n").replace(
        "\r", "\n"
    ).rstrip("\n")


def test_nobody_to_send_to_is_refused() -> None:
    with pytest.raises(RefusedMail, match="no recipient"):
        compose(msgspec.structs.replace(CONTENT, to=()), KEY, "signalbox.local", 0)


HEADER = "=?utf-8?q?Hello=0D=0AReply-To=3A_evil=40attacker.example?="
BODY = "=?utf-8?q?=0D=0A=0D=0A=3Ch1=3EPaid?="


@pytest.mark.parametrize(
    "word", [HEADER, BODY, "=?utf-7?q?+2AA-?=", "=?broken", '"=?utf-8?b?eA==?="', "a =?b?= c"]
)
def test_what_looks_like_an_encoded_word_is_the_text_it_is(word: str) -> None:
    message = composed(
        subject=f"New lead {word}", to=(f"{word} <ada@example.com>",), reply_to=("r@example.com",)
    )
    assert message["Subject"] == f"New lead {word}"
    assert [address.addr_spec for address in message["To"].addresses] == ["ada@example.com"]
    # Python's reader puts a blank between two encoded words of a name, where RFC 2047 puts none.
    assert message["To"].addresses[0].display_name.replace(" ", "") == word.strip('"').replace(" ", "")
    assert [address.addr_spec for address in message["Reply-To"].addresses] == ["r@example.com"]
    assert "Paid" not in str(message.get_body(("plain",)))


def test_an_encoded_word_before_the_at_is_refused() -> None:
    with pytest.raises(RefusedMail, match="mail programs read as something else"):
        composed(to=("=?utf-8?q?a=2Cb?=@example.com",))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"Lovelace, Ada" <ada@example.test>', "Lovelace, Ada"),
        ('Robert "Bob" Smith <bob@example.test>', 'Robert "Bob" Smith'),
        (
            (
                "Research and Development Department of the Northern Region, ceo@victim.example, Team"
                " <t@example.test>"
            ),
            "Research and Development Department of the Northern Region, ceo@victim.example, Team",
        ),
        ("Łukasz Ö <l@example.test>", "Łukasz Ö"),
    ],
)
def test_a_name_stays_one_name(written: str, name: str) -> None:
    message = composed(to=(written,))
    (address,) = message["To"].addresses
    assert address.display_name == name
    assert address.addr_spec.endswith("@example.test")


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("straße-x.example", idna.encode("straße-x.example").decode()),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
    ],
)
def test_domains_are_not_made_others(domain: str, expected: str) -> None:
    mail = compose(msgspec.structs.replace(CONTENT, to=(f"a@{domain}",)), KEY, "signalbox.local", 0)
    assert mail.recipients == (f"a@{expected}",)


def test_control_characters_of_a_body_are_made_visible() -> None:
    assert composed(text="a\x00b\x1bc\td", html=None).get_content().rstrip() == "a\ufffdb\ufffdc\td"
