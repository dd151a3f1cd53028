"""Recipients as people write them: `ada@example.com`, `Ada <ada@example.com>`, `"Lovelace, Ada" <ada@…>`.

Sources: RFC 5321 (lengths), RFC 5322 (dot-atom), IDNA 2008 with UTS 46, non-transitional: `straße.example` is
`xn--strae-oqa.example` and not another domain. Quoted local parts and comments are refused.
"""

import re
from typing import Final, NamedTuple

import idna

from signalbox_rules.errors import RulesError

ADDRESS_MAX: Final = 254  # RFC 5321 section 4.5.3.1.3, without the brackets
LOCAL_MAX: Final = 64  # RFC 5321 section 4.5.3.1.1
DOMAIN_MAX: Final = 253

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAMED: Final = re.compile(r'(?P<name>\s*"(?:[^"\\]|\\.)*"\s*|[^<>]*)<(?P<address>[^<>]*)>')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
ENCODED_WORD: Final = "=?"
"""What RFC 2047 words begin with. Readers decode them wherever they stand, so nobody may write them."""


class Recipient(NamedTuple):
    """A mailbox: the name as it is shown (may be empty), and the address with its domain in ASCII."""

    name: str
    local: str
    domain: str

    @property
    def address(self) -> str:
        """`local@domain`."""
        return f"{self.local}@{self.domain}"


def parse_recipient(text: str) -> Recipient:
    """One recipient. Raises RulesError with a sentence that begins with the text itself."""
    written = text.strip()
    if CONTROL.search(written):
        raise RulesError("has a line break or another control character")
    named = _NAMED.fullmatch(written)
    spec = named["address"].strip() if named else written
    local, at, domain = spec.rpartition("@")
    if not local.isascii():
        raise RulesError("has letters beyond ASCII before the @, which most mail servers refuse")
    if not at or len(spec) > ADDRESS_MAX or len(local) > LOCAL_MAX or _LOCAL.fullmatch(local) is None:
        raise RulesError("is not an address that mail can be sent to")
    if ENCODED_WORD in local:
        raise RulesError("has =? before the @, which mail programs read as something else")
    return Recipient(_shown(named["name"].strip()) if named else "", local, ascii_domain(domain))


def ascii_domain(domain: str) -> str:
    """The domain as DNS and SMTP have it. Raises RulesError."""
    try:
        plain = domain if domain.isascii() else idna.encode(domain, uts46=True, transitional=False).decode()
    except (idna.IDNAError, UnicodeError):
        raise RulesError("has a domain that no internationalized domain name can be") from None
    if len(plain) > DOMAIN_MAX or _DOMAIN.fullmatch(plain) is None:
        raise RulesError("has a domain that is none")
    return plain


def is_recipient(text: str) -> bool:
    """Can mail be sent to what the text says?"""
    try:
        parse_recipient(text)
    except RulesError:
        return False
    return True


def _shown(name: str) -> str:
    """A name without the quotes around all of it; quotes inside belong to it."""
    quoted = _QUOTED.fullmatch(name)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name
