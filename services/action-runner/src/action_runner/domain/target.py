"""A webhook's URL, taken apart strictly: what is looked up, connected to, and written into the request.

Only what every parser reads alike is accepted (RFC 3986 with the host rules of the WHATWG URL standard), so
that no two readers can disagree about the host.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna
import msgspec

from action_runner.errors import RefusedTarget

URL_MAX = 8_192
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?", re.IGNORECASE
)
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@]*)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Endpoint(msgspec.Struct, frozen=True):
    """What a connection is made to. `host` is a name or an address, without brackets or trailing dot."""

    host: str
    port: int
    as_written: str
    """The host for the allow-list, as the URL has it but for ASCII capitals: ①②⑦.⓪.⓪.① is not 127.0.0.1."""
    vetted: bool = True
    """False where the operator named it, not a tenant."""

    @property
    def address(self) -> str | None:
        """The host if it is an address written out; None for a name."""
        return self.host if ":" in self.host or _NUMBER_LAST.fullmatch(self.host) else None


class Target(msgspec.Struct, frozen=True):
    """Where a request goes; `path` is the request target, query included."""

    scheme: str
    endpoint: Endpoint
    path: str

    @property
    def host(self) -> str:
        """The name or address, for Host and TLS."""
        return self.endpoint.host

    @property
    def port(self) -> int:
        """The port, the scheme's own if the URL names none."""
        return self.endpoint.port

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def host_header(self) -> str:
        """The Host header: with brackets around IPv6, the port only where it isn't the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def destination(self) -> str:
        """What limits, breaker and connections belong to: `host:port`."""
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=4_096)
def read_target(url: str) -> Target:
    """The target of an http or https URL. Raises RefusedTarget, with a sentence for the workflow's author."""
    if len(url) > URL_MAX:
        raise RefusedTarget(f"The URL has {len(url):,} characters; at most {URL_MAX:,} are allowed.")
    if any(character <= " " or character == "\x7f" or character == "\\" for character in url):
        raise RefusedTarget("The URL contains a space, a control character or a backslash.")
    match = _URL.fullmatch(url)
    if match is None:
        raise RefusedTarget("The URL must begin with http:// or https:// and a host.")
    authority = match["authority"]
    if "@" in authority:
        raise RefusedTarget("The URL contains a user name or password; send credentials in a header.")
    host_port = _HOST_PORT.fullmatch(authority)
    if host_port is None:
        raise RefusedTarget("The URL's host and port can't be read; write host or host:port.")
    scheme = match["scheme"].lower()
    port = int(host_port["port"]) if host_port["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise RefusedTarget(f"The URL's port is {port}; ports are 1 to 65535.")
    host, as_written = _read_host(host_port["host"])
    path = (match["path"] or "/") + (match["query"] or "")
    return Target(scheme, Endpoint(host, port, as_written), _encoded(path))


def _read_host(text: str) -> tuple[str, str]:
    if text.startswith("["):
        try:
            address = str(IPv6Address(text[1:-1]))
        except AddressValueError as error:
            raise RefusedTarget(f"The URL's host {text} is not an IPv6 address.") from error
        return address, text[1:-1].lower()
    as_written = text.lower() if text.isascii() else text
    host = _ascii(text).lower().removesuffix(".")
    if not host or len(host) > 253:
        raise RefusedTarget("The URL has no host, or one longer than 253 characters.")
    if _NUMBER_LAST.fullmatch(host):
        try:
            return str(IPv4Address(host)), as_written
        except AddressValueError as error:
            raise RefusedTarget(
                f"The URL's host {host!r} is a number but no plain IPv4 address; write four decimal numbers."
            ) from error
    for label in host.split("."):
        if _LABEL.fullmatch(label) is None:
            raise RefusedTarget(f"The URL's host {host!r} is not a host name.")
    return host, as_written


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise RefusedTarget(f"The URL's host {text!r} is not a host name.") from error


def _encoded(path: str) -> str:
    if path.isascii():
        return path
    return "".join(
        character if character.isascii() else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in path
    )
