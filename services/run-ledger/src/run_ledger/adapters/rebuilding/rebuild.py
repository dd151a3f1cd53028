"""The history made anew from the journal, beside the one in use, compared with it, and put in its place.

    replay     a schema of its own is filled by the same projection, from the journal's first fact
    catch up   with the history in use held still, up to exactly the offsets that it has reached
    carry over what the journal does not hold any more: older runs, months, counts
    compare    rows and hash of the runs that both have
    swap       the two schemas change names, in the transaction that held the history still

While it is held still (seconds), instances wait and lists are answered as before. What people asked for (the
schema `ledger`) is not touched.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, LiteralString

import msgspec
import psycopg
from psycopg import Connection, sql

from run_ledger.adapters.history import schema
from run_ledger.adapters.projection.projection_store import open_store
from run_ledger.adapters.rebuilding.carry_over import carry_over, drop_unkept
from run_ledger.adapters.rebuilding.compare import Difference, differences
from run_ledger.errors import LedgerError
from signalbox_contracts import topics
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.loops.projection import BATCH_MAX_RECORDS
from signalbox_runtime.records import Inbound, TopicPartition

NEXT: Final = "history_rebuild"
BEFORE: Final = "history_before_rebuild"
_READ_SECONDS: Final = 0.5
_EMPTY_READS_MAX: Final = 20
OWNER: Final = "rebuild"

Offsets = Mapping[TopicPartition, int]


class Rebuilt(msgspec.Struct, frozen=True):
    """What came of a rebuild. `swapped` is False where differences were found and not wanted."""

    facts: int
    differences: list[Difference]
    swapped: bool


class RebuildRefused(LedgerError):
    """The journal can't be replayed as far as the history has come."""


def rebuild(
    kafka: Kafka, database_url: str, say: Callable[[str], None], *, accept_differences: bool = False
) -> Rebuilt:
    """Rebuilds schema `history`. With differences it is swapped only if they are accepted.

    Raises RebuildRefused.
    """
    with psycopg.connect(database_url, autocommit=True, application_name="run-ledger-rebuild") as connection:
        _make_schema(connection)
        replay = _Replay(kafka, database_url)
        try:
            replay.up_to(_live_offsets(connection), say)
            with connection.transaction():
                # Instances wait for this lock with their next batch; lists and other reads don't.
                connection.execute("LOCK TABLE history.offsets IN EXCLUSIVE MODE")
                replay.up_to(_live_offsets(connection), say)
                replay.close()
                say("comparing")
                drop_unkept(connection, NEXT)
                found = differences(connection, NEXT, replay.first_complete_ms)
                if found and not accept_differences:
                    return Rebuilt(replay.facts, found, swapped=False)
                say("carrying over what the journal does not hold any more")
                carry_over(connection, NEXT, replay.first_complete_ms)
                _swap(connection)
            _run(connection, "DROP SCHEMA {before} CASCADE")
            return Rebuilt(replay.facts, found, swapped=True)
        finally:
            replay.close()
            _run(connection, "DROP SCHEMA IF EXISTS {next} CASCADE")


class _Replay:
    """Reads the journal outside any group and keeps it as the projection does."""

    def __init__(self, kafka: Kafka, database_url: str) -> None:
        self._begins = kafka.offsets().begin_offsets(kafka.offsets().partitions([topics.RUNS_JOURNAL]))
        self._reader = kafka.reader(self._begins)
        self._opened = open_store(database_url, OWNER, NEXT)
        self._store = self._opened.__enter__()
        self._store.claim(list(self._begins))
        self._closed = False
        self._ahead: list[Inbound] = []
        self._firsts_ms: dict[TopicPartition, int] = {}
        self.facts = 0

    @property
    def first_complete_ms(self) -> int:
        """From this time on the journal holds every fact: 0 if it holds all there ever were."""
        cut = [self._firsts_ms.get(place, 0) for place, begin in self._begins.items() if begin > 0]
        return max(cut, default=0)

    def up_to(self, targets: Offsets, say: Callable[[str], None]) -> None:
        """Replays every fact below the targets. Raises RebuildRefused when Kafka does not give them."""
        empty = 0
        self._keep(self._take(targets))
        while any(self._reader.position(place) < target for place, target in targets.items()):
            read = self._reader.read(BATCH_MAX_RECORDS, _READ_SECONDS)
            empty = 0 if read else empty + 1
            self._ahead += read
            batch = self._take(targets)
            if empty > _EMPTY_READS_MAX:
                raise RebuildRefused(
                    f"The journal ends before {dict(targets)}, which the history has reached: "
                    "is this the Kafka that it came from?"
                )
            self._keep(batch)
            say(f"{self.facts:,} facts")

    def _take(self, targets: Offsets) -> list[Inbound]:
        """What was read and lies below the targets; the rest waits for later targets."""
        ready = [record for record in self._ahead if record.offset < targets.get(_place(record), 0)]
        self._ahead = [record for record in self._ahead if record.offset >= targets.get(_place(record), 0)]
        return ready

    def _keep(self, batch: list[Inbound]) -> None:
        for record in batch:
            self._firsts_ms.setdefault(_place(record), record.timestamp_ms)
        if batch:
            self._store.store(self._store.prepare(batch))
            self.facts += len(batch)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._reader.close()
            self._opened.__exit__(None, None, None)


def _place(record: Inbound) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def _make_schema(connection: Connection) -> None:
    _run(connection, "DROP SCHEMA IF EXISTS {next} CASCADE")
    _run(connection, "DROP SCHEMA IF EXISTS {before} CASCADE")
    with connection.transaction():
        _run(connection, "CREATE SCHEMA {next}")
        _run(connection, "SET LOCAL search_path = {next}, public")
        for statement in schema.history_statements():
            connection.execute(statement.encode())


def _live_offsets(connection: Connection) -> dict[TopicPartition, int]:
    rows = connection.execute("SELECT topic, partition, next_offset FROM history.offsets").fetchall()
    return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}


def _swap(connection: Connection) -> None:
    """The offsets keep their owners; a batch that waited for the lock meets an epoch that is over."""
    _run(connection, "TRUNCATE {next}.offsets")
    _run(connection, "INSERT INTO {next}.offsets SELECT * FROM history.offsets")
    connection.execute("UPDATE history.offsets SET epoch = epoch + 1000000")
    _run(connection, "ALTER SCHEMA history RENAME TO {before}")
    _run(connection, "ALTER SCHEMA {next} RENAME TO history")


def _run(connection: Connection, statement: LiteralString, **values: Any) -> None:
    names = {"next": sql.Identifier(NEXT), "before": sql.Identifier(BEFORE)}
    connection.execute(sql.SQL(statement).format(**names, **values))
