"""A receiver on a thread of its own, for tests that run whole processes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.integration.action_runner.receivers import Behaviour, receiver


@contextmanager
def threaded_receiver(behaviour: Behaviour) -> Iterator[int]:
    """Runs `behaviour` on a free port of 127.0.0.1; yields the port."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    is_up = threading.Event()
    stopped = asyncio.Event()

    async def serve() -> None:
        async with receiver(behaviour) as port:
            ports.append(port)
            is_up.set()
            await stopped.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert is_up.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        loop.close()
