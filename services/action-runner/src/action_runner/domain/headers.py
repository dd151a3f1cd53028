"""Checks on header names and values of our own: neither a library's nor a template's word is taken for
them.
"""

import re
from collections.abc import Iterable

from action_runner.errors import RefusedTarget

HEADERS_MAX = 100
HEADER_VALUE_MAX = 8_192
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # no CR, LF, NUL or other control character
_OURS = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
        "idempotency-key",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    )
)
"""What frames the message or identifies the effect: a second one could smuggle a request or fake a key."""


def checked_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The headers as they may be sent. Raises RefusedTarget and names the header, never its value."""
    checked = []
    seen = set()
    for name, value in headers:
        lowered = name.lower()
        if _TOKEN.fullmatch(name) is None:
            raise RefusedTarget(f"{name[:60]!r} is not a header name.")
        if lowered in _OURS:
            raise RefusedTarget(f"The header {name} is set by Signalbox; take it out.")
        if lowered in seen:
            raise RefusedTarget(f"The header {name} is there twice.")
        if len(value) > HEADER_VALUE_MAX or _VALUE.fullmatch(value) is None:
            raise RefusedTarget(
                f"The value of header {name} contains a line break or another control character, "
                f"characters outside Latin-1, or more than {HEADER_VALUE_MAX:,} characters."
            )
        seen.add(lowered)
        checked.append((name, value.strip(" \t")))
    if len(checked) > HEADERS_MAX:
        raise RefusedTarget(f"There are {len(checked)} headers; at most {HEADERS_MAX} are allowed.")
    return tuple(checked)
