"""What goes to a receiver and what comes back, as values."""

import re
from functools import lru_cache
from typing import Literal

import msgspec

from action_runner.domain.target import Target
from action_runner.errors import RefusedTarget

BODY_KEPT_BYTES = 4_096
"""How much of an answer goes into the receipt."""
RESPONSE_BYTES_MAX = 1_048_576
"""How much of an answer is read at all, its head included; then the connection is closed."""
HEAD_BYTES_MAX = 65_536
_METHOD = re.compile(r"[A-Z]{1,20}")
_UNFIT_METHODS = frozenset(("CONNECT", "TRACE", "HEAD"))


class HttpRequest(msgspec.Struct, frozen=True):
    """A request. `headers` have been through `domain.headers.checked_headers`, or are our own."""

    method: str
    target: Target
    headers: tuple[tuple[str, str], ...]
    body: bytes
    repeatable: bool = True
    """Whether it may be sent again when a kept connection turns out to be closed before any answer. What may
    not goes over a new connection, so that a closed one can't leave its outcome unknown."""
    tenant_id: str = ""
    """Whose share of the look-ups it takes."""


class HttpResponse(msgspec.Struct, frozen=True):
    """An answer. Compressed bodies stay as they came; redirects are not followed."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in order."""
    body_start: bytes
    body_sha256: str
    body_bytes: int
    complete: bool
    """False where the body was cut at the limit, by the time or by the receiver; the status holds anyway."""

    def header(self, name: str) -> str | None:
        """The first header of that name (in lower case)."""
        return next((value for key, value in self.headers if key == name), None)


NoResponseKind = Literal[
    "address-refused", "name-unresolved", "connect", "tls", "timeout", "closed", "protocol"
]


class NoResponse(msgspec.Struct, frozen=True):
    """No status came. `sent` tells whether the receiver may have got the request."""

    kind: NoResponseKind
    detail: str
    sent: bool


def wire_form(request: HttpRequest) -> bytes:
    """The bytes of a request: one Host, one Content-Length, no transfer coding. Raises RefusedTarget."""
    body = request.body
    headers = "".join([f"{name}: {value}\r\n" for name, value in request.headers])
    start = _start(request.method, request.target)
    head = f"{start}Content-Length: {len(body)}\r\nAccept-Encoding: identity\r\n{headers}\r\n"
    return head.encode("latin-1") + body


@lru_cache(maxsize=1_024)
def _start(method: str, target: Target) -> str:
    """What all requests to a target begin with."""
    if _METHOD.fullmatch(method) is None or method in _UNFIT_METHODS:
        raise RefusedTarget(f"{method[:20]!r} is not a method for a webhook.")
    return f"{method} {target.path} HTTP/1.1\r\nHost: {target.host_header}\r\n"
