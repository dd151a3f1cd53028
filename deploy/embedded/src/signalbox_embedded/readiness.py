"""Asking a process over HTTP whether it is ready."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 1.0


def answers(url: str) -> Callable[[], Awaitable[bool]]:
    """A readiness check: whether `url`, plain HTTP, answers 200. It never raises.

    Asked many times a second of many processes while they start, so without an HTTP client: setting one up
    for each question took six seconds of processor time in a start.
    """
    place = urlsplit(url)
    request = f"GET {place.path or '/'} HTTP/1.0\r\nHost: {place.netloc}\r\n\r\n".encode()

    async def status() -> bytes:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        with closing(writer):
            writer.write(request)
            return await reader.readline()

    async def ask() -> bool:
        try:
            line = await asyncio.wait_for(status(), _TIMEOUT_SECONDS)
        except (OSError, TimeoutError):
            return False
        return line.split()[1:2] == [b"200"]

    return ask
