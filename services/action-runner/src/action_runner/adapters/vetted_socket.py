"""A connected socket whose address was vetted: the one way out of this process.

One look-up gives all addresses; each is vetted; the connection goes to a vetted address, not to the name
again.
"""

import asyncio
import socket
from typing import Literal

import msgspec

from action_runner.adapters.resolver import LOOKUP_TIMEOUT_SECONDS, Resolver
from action_runner.domain.target import Endpoint
from action_runner.errors import RefusedTarget, UnresolvedName


class NotConnected(msgspec.Struct, frozen=True):
    """Why there is no connection; nothing was sent."""

    kind: Literal["address-refused", "name-unresolved", "connect"]
    detail: str


async def connect(
    resolver: Resolver, tenant_id: str, endpoint: Endpoint, until: float
) -> socket.socket | NotConnected:
    """A non-blocking socket connected to `endpoint`, by `until` (the loop's time).

    The look-up takes a place of the tenant, and at most LOOKUP_TIMEOUT_SECONDS.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(min(until, loop.time() + LOOKUP_TIMEOUT_SECONDS)):
            addresses = await resolver.addresses(tenant_id, endpoint)
    except TimeoutError:
        return NotConnected("name-unresolved", f"Resolving {endpoint.host!r} took too long.")
    except RefusedTarget as error:
        return NotConnected("address-refused", str(error))
    except UnresolvedName as error:
        return NotConnected("name-unresolved", str(error))
    failure = NotConnected("connect", f"{endpoint.host!r} has no address.")
    for tried, address in enumerate(addresses):
        # Each address gets its part of what is left, so that a dead first one leaves time for the next.
        part = (until - loop.time()) / (len(addresses) - tried)
        connected = await _connect_to(address, endpoint, loop.time() + part)
        if isinstance(connected, socket.socket):
            return connected
        failure = connected
    return failure


async def _connect_to(address: str, endpoint: Endpoint, until: float) -> socket.socket | NotConnected:
    place = f"{endpoint.host}:{endpoint.port} ({address})"
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.timeout_at(until):
            await asyncio.get_running_loop().sock_connect(sock, (address, endpoint.port))
    except TimeoutError:
        sock.close()
        return NotConnected("connect", f"Connecting to {place} took too long.")
    except OSError as error:
        sock.close()
        return NotConnected("connect", f"No connection to {place}: {error.strerror or error}.")
    except BaseException:
        sock.close()
        raise
    return sock
