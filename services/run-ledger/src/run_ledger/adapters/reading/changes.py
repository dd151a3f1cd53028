"""Which runs changed, as the projection of any instance tells it: the source of `GET /v1/stream`.

The projection notifies inside its transaction, so a run is told of once it can be read. A reader that is too
slow loses the list and is told to read anew; it never holds anybody up.
"""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Final

import psycopg
import structlog

from run_ledger.adapters.projection.notes import CHANNEL, MANY

QUEUE_MAX: Final = 100
RECONNECT_SECONDS: Final = 1.0
log = structlog.get_logger()


class Everything:
    """More changed than is listed: read anew."""


class Closed:
    """Nothing more comes."""


Change = list[str] | Everything | Closed
"""Run ids, or one of the marks above."""


class Changes:
    """Listens once for the whole process, and hands every tenant its own."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._queues: dict[str, set[asyncio.Queue[Change]]] = {}
        self._closed = False

    @contextmanager
    def of(self, tenant_id: str) -> Generator[asyncio.Queue[Change]]:
        """A queue of the tenant's changes from now on."""
        queue: asyncio.Queue[Change] = asyncio.Queue(QUEUE_MAX)
        if self._closed:
            queue.put_nowait(Closed())
        self._queues.setdefault(tenant_id, set()).add(queue)
        try:
            yield queue
        finally:
            self._queues[tenant_id].discard(queue)

    async def listen(self, stop: asyncio.Event) -> None:
        """Listens until `stop`, over lost connections; after each one, everybody reads anew."""
        ending = asyncio.create_task(stop.wait())
        while not stop.is_set():
            listening = asyncio.create_task(self._listen())
            await asyncio.wait({ending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                failure = listening.exception()
                if not isinstance(failure, psycopg.Error):
                    listening.result()
                log.warning("changes are not heard", reason=str(failure))
                await asyncio.wait({ending}, timeout=RECONNECT_SECONDS)
            else:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        self._closed = True
        for tenant_id in self._queues:
            self._tell(tenant_id, Closed())

    async def _listen(self) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._database_url, autocommit=True, connect_timeout=5, application_name="run-ledger-changes"
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            for tenant_id in self._queues:
                self._tell(tenant_id, Everything())
            async for notification in connection.notifies():
                tenant_id, _, ids = notification.payload.rpartition(" ")
                self._tell(tenant_id, Everything() if ids == MANY else ids.split(","))

    def _tell(self, tenant_id: str, change: Change) -> None:
        for queue in self._queues.get(tenant_id, ()):
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(Everything())
            queue.put_nowait(change)


async def until_closed(
    queue: asyncio.Queue[Change], heartbeat_seconds: float
) -> AsyncIterator[Change | None]:
    """The queue's changes; None when nothing came for a while. Ends when it is closed."""
    while True:
        try:
            change = await asyncio.wait_for(queue.get(), heartbeat_seconds)
        except TimeoutError:
            yield None
            continue
        if isinstance(change, Closed):
            return
        yield change
