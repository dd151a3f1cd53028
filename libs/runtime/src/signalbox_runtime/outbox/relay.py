"""Sends an outbox to Kafka: one relay at a time, in the order of ids, each row in exactly one transaction.

Every process that owns the outbox runs one. A session advisory lock elects the one that sends; the others
listen, so that `effective` answers in each of them.

    waiting ──lock──► taking over ──position read──► sending ──Kafka or PostgreSQL lost──► waiting
                          └──position ahead of the table──► stopped (says so; a person decides)
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg import sql

from signalbox_contracts.messages import OutboxPosition
from signalbox_runtime.outbox import metrics
from signalbox_runtime.outbox.errors import PositionAhead, RelayLogFailed
from signalbox_runtime.outbox.log import RelayLog, RelayLogFactory
from signalbox_runtime.outbox.position import OutboxRow, begin_after, whole_groups
from signalbox_runtime.outbox.tables import stored_headers
from signalbox_runtime.records import Outbound

T = TypeVar("T")
RELAY_LOCK: Final = 0x5347_524C
"""First half of the session advisory lock that elects the sending relay; the second is the schema."""
BATCH_ROWS: Final = 500
LISTEN_SECONDS: Final = 1.0
"""How long a notification is waited for before looking anyway: the bound when one is lost."""
CLEAN_UP_SECONDS: Final = 60.0
KEEP_SENT_DEFAULT: Final = timedelta(hours=24)
"""How long sent rows stay: a restored database sends again what it still has of them."""
RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger("outbox")


class OutboxRelay:
    """The relay of one schema's outbox. `name` is its key in `outbox.positions`."""

    def __init__(
        self,
        name: str,
        schema: str,
        database_url: str,
        log_factory: RelayLogFactory,
        *,
        keep_sent: timedelta = KEEP_SENT_DEFAULT,
    ) -> None:
        self.name = name
        self.waiting_for: str | None = "its first connection"
        """Why it does not send at the moment, for readiness; None when all is well."""
        self.sending = False
        self._schema = schema
        self._database_url = database_url
        self._log_factory = log_factory
        self._keep_sent = keep_sent
        self._sent_id = 0
        self._sent_changed = asyncio.Condition()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"relay-{name}")

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set. Raises PositionAhead; everything else is waited out."""
        try:
            while not stop.is_set():
                try:
                    await self._attend(stop)
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    self._wait_for(f"PostgreSQL: {str(error).strip()}")
                except RelayLogFailed as error:
                    self._wait_for(f"Kafka: {error}")
                except PositionAhead as error:
                    self._wait_for(str(error))
                    raise
                finally:
                    self.sending = False
                    metrics.SENDING.labels(self.name).set(0)
                if not stop.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
        finally:
            self._thread.shutdown(wait=False)

    async def effective(self, row_id: int, timeout_seconds: float) -> bool:
        """Whether row `row_id` is committed on Kafka, waiting up to `timeout_seconds` for it."""
        try:
            async with asyncio.timeout(timeout_seconds), self._sent_changed:
                await self._sent_changed.wait_for(lambda: self._sent_id >= row_id)
        except TimeoutError:
            return False
        return True

    def _wait_for(self, reason: str) -> None:
        self.waiting_for = reason
        _log.warning("relay waits", relay=self.name, reason=reason)

    async def _attend(self, stop: asyncio.Event) -> None:
        """One connection's life: listen, try to be elected, send while elected."""
        connection = await psycopg.AsyncConnection.connect(
            self._database_url, autocommit=True, connect_timeout=5, application_name=f"{self.name}-relay"
        )
        async with connection:
            channel = sql.Identifier(f"{self._schema}_outbox")
            await connection.execute(sql.SQL("LISTEN {}").format(channel))
            log: RelayLog | None = None
            try:
                while not stop.is_set():
                    self.waiting_for = None
                    if await self._elected(connection):
                        log = await self._in_thread(self._log_factory)
                        await self._send_until(stop, connection, log)
                    else:
                        await self._listen(connection)
            finally:
                if log is not None:
                    await self._in_thread(log.close)

    async def _elected(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        cursor = await connection.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (RELAY_LOCK, self._schema)
        )
        row = await cursor.fetchone()
        return bool(row and row[0])

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        """Waits for a notification: empty when rows came, an id when the sending relay sent up to it.

        False when none came.
        """
        heard = False
        async for notification in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
            heard = True
            if notification.payload:
                await self._note_sent(int(notification.payload))
        return heard

    async def _send_until(
        self, stop: asyncio.Event, connection: psycopg.AsyncConnection[Any], log: RelayLog
    ) -> None:
        position = await self._in_thread(log.take_over)
        generation, newest_id = await self._generation(connection)
        sent_id = begin_after(position, generation, newest_id)
        self.sending = True
        metrics.SENDING.labels(self.name).set(1)
        await self._announce(connection, sent_id)
        _log.info("relay sends", relay=self.name, after_id=sent_id, generation=generation)
        clean_up_at = asyncio.get_running_loop().time()
        while not stop.is_set():
            while rows := await self._rows_after(connection, sent_id):
                sent_id = rows[-1].id
                send = partial(
                    log.send,
                    [row.record for row in rows],
                    OutboxPosition(relay=self.name, generation=generation, last_id=sent_id),
                )
                begun = asyncio.get_running_loop().time()
                await self._in_thread(send)
                self._count(rows, asyncio.get_running_loop().time() - begun)
                await self._announce(connection, sent_id)
            if asyncio.get_running_loop().time() >= clean_up_at:
                await self._clean_up(connection, sent_id)
                clean_up_at = asyncio.get_running_loop().time() + CLEAN_UP_SECONDS
            if not await self._listen(connection):
                # For relays that were started, or missed a word, since the last one.
                await self._announce(connection, sent_id)

    def _count(self, rows: list[OutboxRow], sending_seconds: float) -> None:
        metrics.ROWS.labels(self.name).inc(len(rows))
        for row in rows:
            metrics.DELAY_SECONDS.labels(self.name).observe(row.waited_seconds + sending_seconds)

    async def _generation(self, connection: psycopg.AsyncConnection[Any]) -> tuple[str, int]:
        """The outbox's generation, and the highest id its table ever gave."""
        table = sql.Identifier(self._schema, "outbox_generation")
        sequence = sql.Identifier(self._schema, "outbox_id_seq")
        query = sql.SQL(
            "SELECT generation::text, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}) FROM {}"
        )
        row = await (await connection.execute(query.format(sequence, table))).fetchone()
        assert row is not None, "the migration makes the generation's row"
        return row[0], row[1]

    async def _rows_after(self, connection: psycopg.AsyncConnection[Any], sent_id: int) -> list[OutboxRow]:
        """The next rows, whole groups only; more than BATCH_ROWS where a group is larger than that."""
        limit = BATCH_ROWS
        query = sql.SQL(
            "SELECT id, topic, key, value, headers, ends_group,"
            " extract(epoch FROM clock_timestamp() - created_at)::float8"
            " FROM {} WHERE id > %s ORDER BY id LIMIT %s"
        ).format(sql.Identifier(self._schema, "outbox"))
        while True:
            cursor = await connection.execute(query, (sent_id, limit))
            rows = [
                OutboxRow(
                    row_id,
                    Outbound(topic, bytes(key), _bytes(value), stored_headers(headers)),
                    ends_group,
                    waited_seconds,
                )
                for row_id, topic, key, value, headers, ends_group, waited_seconds in await cursor.fetchall()
            ]
            whole = whole_groups(rows)
            if whole or len(rows) < limit:
                return list(whole)
            limit *= 2

    async def _announce(self, connection: psycopg.AsyncConnection[Any], sent_id: int) -> None:
        await connection.execute("SELECT pg_notify(%s, %s)", (f"{self._schema}_outbox", str(sent_id)))
        await self._note_sent(sent_id)

    async def _note_sent(self, sent_id: int) -> None:
        async with self._sent_changed:
            self._sent_id = max(self._sent_id, sent_id)
            self._sent_changed.notify_all()

    async def _clean_up(self, connection: psycopg.AsyncConnection[Any], sent_id: int) -> None:
        query = sql.SQL("DELETE FROM {} WHERE id <= %s AND created_at < now() - %s").format(
            sql.Identifier(self._schema, "outbox")
        )
        await connection.execute(query, (sent_id, self._keep_sent))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _bytes(value: object) -> bytes | None:
    return None if value is None else bytes(value)  # type: ignore[call-overload]
