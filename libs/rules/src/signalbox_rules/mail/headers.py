"""Headers of a mail as bytes: what any reader gets back is the text that was meant, and no other header.

Python's own writer leaves text that looks like an encoded word as it is, and readers decode it: a record's
name became headers and bodies. So whatever is not plain is encoded here, whole.
Sources: RFC 5322 sections 2.2.3 and 3.2, RFC 2047 section 5.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final

from signalbox_rules.mail.recipients import ENCODED_WORD, Recipient

LINE_MAX: Final = 76  # characters; RFC 2047 section 2 for lines with encoded words
WORD_BYTES: Final = 42  # of UTF-8 in one encoded word: 75 characters with its marks
LINE_HARD_MAX: Final = 998  # RFC 5322 section 2.1.1: what is longer has to be broken, so it is encoded
QUOTED_MAX: Final = 400  # characters of a name in quotes: it stands on one line, however it is escaped
_PLAIN: Final = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def text_header(name: str, text: str) -> bytes:
    """`Subject: …` and its like, folded, with its line end. `text` has no control characters."""
    if _is_plain(text):
        return _folded(name, text.split(" "))
    return _folded(name, list(_encoded_words(text)))


def address_header(name: str, recipients: Sequence[Recipient]) -> bytes:
    """`To: …` and its like."""
    parts: list[str] = []
    last = len(recipients) - 1
    for index, recipient in enumerate(recipients):
        comma = "," if index < last else ""
        if not recipient.name:
            parts.append(recipient.address + comma)
        else:
            parts.extend((*_phrase(recipient.name), f"<{recipient.address}>{comma}"))
    return _folded(name, parts)


def _is_plain(text: str) -> bool:
    """Whether a reader takes the text as it is, and it can be folded at its blanks."""
    return (
        ENCODED_WORD not in text
        and (not text or _PLAIN.fullmatch(text) is not None)
        and all(len(word) < LINE_HARD_MAX - LINE_MAX for word in text.split(" "))
    )


def _phrase(name: str) -> Iterator[str]:
    if ENCODED_WORD in name or not name.isascii() or not name.isprintable() or len(name) > QUOTED_MAX:
        yield from _encoded_words(name)
    elif _ATOMS.fullmatch(name):
        yield name
    else:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        yield f'"{escaped}"'


def _encoded_words(text: str) -> Iterator[str]:
    """The text as encoded words; blanks between two of them mean nothing, so any may begin a line."""
    word = b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(word) + len(encoded) > WORD_BYTES:
            yield f"=?utf-8?b?{base64.b64encode(word).decode()}?="
            word = b""
        word += encoded
    if word or not text:
        yield f"=?utf-8?b?{base64.b64encode(word).decode()}?="


def _folded(name: str, words: Sequence[str]) -> bytes:
    lines: list[str] = []
    line = f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > LINE_MAX and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("ascii") + b"\r\n"
