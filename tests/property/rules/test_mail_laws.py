"""Laws of a mail's head: what a parser reads back is what was meant, whatever a record held."""

import email
import email.policy
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox_rules.mail.compose import MailContent, compose

PARTS = st.sampled_from(
    [
        "=?",
        "?=",
        "=?utf-8?q?",
        "=?utf-8?b?eA==?=",
        "=0D=0A",
        ",",
        ";",
        "<",
        ">",
        '"',
        "\\",
        "(",
        ")",
        "@",
        ":",
        " ",
        "ä",
        "日本",
        "😀",
        "a" * 80,
        "x",
    ]
)
TEXTS = st.lists(
    PARTS | st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8),
    max_size=12,
).map("".join)
HEADERS = {
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
}
LAW = settings(max_examples=300, deadline=None)


def read(content: MailContent) -> email.message.EmailMessage:
    mail = compose(content, "ab" * 32, "signalbox.local", 0)
    head = mail.data.partition(b"\r\n\r\n")[0]
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert not re.search(rb"[\r\n](?![\r\n ]|[A-Za-z-]+:)", head)
    message = email.message_from_bytes(mail.data, policy=email.policy.default)
    assert set(message.keys()) <= HEADERS
    assert len(message.keys()) == len(set(message.keys()))
    return message


@LAW
@given(TEXTS)
def test_a_subject_is_read_as_it_was_meant(text: str) -> None:
    message = read(MailContent(sender="s@crm.example", to=("ada@example.com",), subject=text, text="Hi"))
    assert " ".join(str(message["Subject"]).split()) == " ".join(text.split())


@LAW
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_recipients_are_those_that_were_meant(names: list[str]) -> None:
    shown = [name.replace("<", "(").replace(">", ")").replace('"', "'").strip() for name in names]
    written = tuple(f"{name} <u{number}@example.com>" for number, name in enumerate(shown))
    message = read(MailContent(sender="s@crm.example", to=written, cc=written, subject="Hi", text="Hi"))
    for header in ("To", "Cc"):
        addresses = message[header].addresses
        assert [each.addr_spec for each in addresses] == [
            f"u{number}@example.com" for number in range(len(names))
        ]
        # Python's reader puts a blank between two encoded words of a name, where RFC 2047 puts none.
        read_back = ["".join(each.display_name.split()) for each in addresses]
        assert read_back == ["".join(name.split()) for name in shown]
