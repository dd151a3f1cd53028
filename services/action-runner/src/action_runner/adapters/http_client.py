"""The HTTP client of webhooks: kept connections, vetted addresses, every wait bounded.

No proxy of the environment is used, no cookie kept, no redirect followed, nothing inflated. Why it is not
aiohttp: docs/decisions/0020.
"""

import asyncio
import ssl
from collections import deque
from typing import Protocol

from action_runner.adapters.http_connection import HttpConnection
from action_runner.adapters.http_messages import HttpRequest, HttpResponse, NoResponse, wire_form
from action_runner.adapters.resolver import Resolver
from action_runner.adapters.vetted_socket import NotConnected, connect
from action_runner.domain.target import Target
from action_runner.errors import RefusedTarget

CONNECT_TIMEOUT_SECONDS = 5.0
IDLE_MAX_SECONDS = 4.0
"""Shorter than what common servers keep a connection (5 s), so that few are closed under a request."""
IDLE_CONNECTIONS_MAX = 1_000

_Key = tuple[str, str, int]


class HttpSender(Protocol):
    """What a webhook needs of a client."""

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpResponse | NoResponse:
        """One exchange, all in all within `timeout_seconds`. Raises nothing but cancellation."""
        ...


class HttpClient:
    """Belongs to one event loop; `close` it there."""

    def __init__(self, resolver: Resolver, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._resolver = resolver
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[_Key, deque[HttpConnection]] = {}
        self._idle_count = 0
        self._sweeper = self._loop.call_later(IDLE_MAX_SECONDS, self._sweep)

    async def close(self) -> None:
        """Closes the kept connections."""
        self._sweeper.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        self._resolver.close()
        await asyncio.sleep(0)  # lets the transports end

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpResponse | NoResponse:
        """See HttpSender."""
        deadline = self._loop.time() + timeout_seconds
        target = request.target
        key = (target.scheme, target.endpoint.as_written, target.port)
        try:
            data = wire_form(request)
        except RefusedTarget as error:
            return NoResponse("protocol", str(error), sent=False)
        connection = self._take(key) if request.repeatable else None
        if connection is not None:
            answer = await connection.exchange(data, deadline)
            self._keep(key, connection)
            was_closed = isinstance(answer, NoResponse) and answer.kind == "closed"
            if not was_closed:
                return answer
        opened = await self._open(request.tenant_id, target, deadline)
        if isinstance(opened, NoResponse):
            return opened
        answer = await opened.exchange(data, deadline)
        self._keep(key, opened)
        return answer

    # --- kept connections -------------------------------------------------------------------------

    def _take(self, key: _Key) -> HttpConnection | None:
        connections = self._idle.get(key)
        while connections:
            connection = connections.pop()
            self._idle_count -= 1
            if connection.is_open and self._loop.time() - connection.idle_since < IDLE_MAX_SECONDS:
                return connection
            connection.close()
        return None

    def _keep(self, key: _Key, connection: HttpConnection) -> None:
        if not connection.is_open:
            return
        if self._idle_count >= IDLE_CONNECTIONS_MAX:
            connection.close()
            return
        connection.idle_since = self._loop.time()
        self._idle.setdefault(key, deque()).append(connection)
        self._idle_count += 1

    def _sweep(self) -> None:
        oldest = self._loop.time() - IDLE_MAX_SECONDS
        for key, connections in list(self._idle.items()):
            while connections and (not connections[0].is_open or connections[0].idle_since < oldest):
                connections.popleft().close()
                self._idle_count -= 1
            if not connections:
                del self._idle[key]
        self._sweeper = self._loop.call_later(IDLE_MAX_SECONDS, self._sweep)

    # --- new connections --------------------------------------------------------------------------

    async def _open(self, tenant_id: str, target: Target, deadline: float) -> HttpConnection | NoResponse:
        until = min(deadline, self._loop.time() + CONNECT_TIMEOUT_SECONDS)
        sock = await connect(self._resolver, tenant_id, target.endpoint, until)
        if isinstance(sock, NotConnected):
            return NoResponse(sock.kind, sock.detail, sent=False)
        try:
            async with asyncio.timeout_at(until):
                _, connection = await self._loop.create_connection(
                    lambda: HttpConnection(self._loop),
                    sock=sock,
                    ssl=self._tls if target.is_tls else None,
                    server_hostname=target.host if target.is_tls else None,
                )
        except TimeoutError:
            return NoResponse("tls", f"TLS with {target.destination} took too long.", sent=False)
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", None) or error.reason or error
            return NoResponse("tls", f"No TLS with {target.destination}: {why}.", sent=False)
        except OSError as error:
            return NoResponse("connect", f"No connection to {target.destination}: {error}.", sent=False)
        return connection
