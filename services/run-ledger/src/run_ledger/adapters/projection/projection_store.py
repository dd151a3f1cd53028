"""The journal's projection into PostgreSQL: one transaction a batch, with offsets and owner's epoch."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import psycopg
from psycopg import Connection

from run_ledger import metrics
from run_ledger.adapters.history.partitions import Partitions
from run_ledger.adapters.history.schema import HISTORY
from run_ledger.adapters.projection import incoming, merge
from run_ledger.adapters.projection.copy_format import CopyFormat
from run_ledger.adapters.projection.notes import TELL, notes
from run_ledger.adapters.projection.prepared import Prepared, prepared, read_fact
from run_ledger.domain.event_key import event_key
from run_ledger.domain.fold import Folded, Known, fold
from run_ledger.domain.rows import Redaction, RunKey
from signalbox_runtime import fault
from signalbox_runtime.loops.projection import DatabaseAway, OwnershipLost
from signalbox_runtime.records import Inbound, TopicPartition

_SESSION: Final = (
    # Rows and offsets are lost together or not at all, and the journal has them.
    "SET synchronous_commit = off",
    # Joins of a small batch with a large table are index look-ups, whatever the statistics say.
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET enable_seqscan = off",
    # A process stopped in the middle of a batch must not hold its successor up for long.
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET lock_timeout = '30s'",
)
T = TypeVar("T")


class ProjectionStore:
    """Fulfils signalbox_runtime.loops.projection.Projection. Its session belongs to one caller at a time."""

    def __init__(self, database_url: str, owner: str, schema: str = HISTORY) -> None:
        self._database_url = database_url
        self._owner = owner
        self._schema = schema
        self._tells = schema == HISTORY
        self._connection: Connection | None = None
        self._partitions = Partitions()
        self._epochs: dict[TopicPartition, int] = {}

    def claim(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Takes partitions over under a new epoch, and says where each goes on: at 0 if it is new."""
        return self._answering(lambda connection: self._claim(connection, partitions))

    def prepare(self, batch: Sequence[Inbound]) -> Prepared:
        """Decodes, folds and packs the batch."""
        offsets = {TopicPartition(each.topic, each.partition): each.offset + 1 for each in batch}
        return prepared([read_fact(inbound) for inbound in batch], offsets)

    def store(self, batch: Prepared) -> None:
        """Keeps the batch."""
        try:
            self._answering(lambda connection: self._store(connection, batch))
        except psycopg.errors.CheckViolation:
            # Retention, or a rebuild, took a partition away that was there before.
            self._partitions.forget()
            self._answering(lambda connection: self._store(connection, batch))

    def close(self) -> None:
        """Ends the session."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- with the database -------------------------------------------------------------------------

    def _answering(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except psycopg.Error as error:
            away = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
            if not away and (self._connection is None or not self._connection.closed):
                raise  # PostgreSQL answers, and refuses: a defect of ours
            self.close()
            raise DatabaseAway(f"PostgreSQL does not answer: {str(error).strip()}") from error

    def _connect(self) -> Connection:
        connection = psycopg.connect(
            self._database_url,
            autocommit=True,
            connect_timeout=5,
            application_name="run-ledger-projection",
            options=f"-c search_path={self._schema},public",
        )
        for statement in _SESSION:
            connection.execute(statement)
        incoming.prepare(connection)
        connection.execute(merge.REDACTED_TABLE)
        return connection

    def _claim(
        self, connection: Connection, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        begins: dict[TopicPartition, int] = {}
        for place in sorted(partitions):
            row = connection.execute(
                """INSERT INTO offsets AS o (topic, partition, next_offset, epoch, owner)
                VALUES (%s, %s, 0, 1, %s)
                ON CONFLICT (topic, partition) DO UPDATE SET epoch = o.epoch + 1, owner = excluded.owner
                RETURNING next_offset, epoch""",
                (*place, self._owner),
            ).fetchone()
            assert row is not None
            begins[place], self._epochs[place] = row
        return begins

    def _store(self, connection: Connection, batch: Prepared) -> None:
        self._partitions.ensure(connection, incoming.all_ids(batch.folded))
        with connection.transaction():
            incoming.copy(connection, batch.following)
            self._advance(connection, batch.offsets)
            folded = batch.folded
            if not _kept_straight(connection, batch):
                folded = _kept_carefully(connection, batch)
            with connection.pipeline():
                for statement in _counting(folded):
                    connection.execute(statement)
                if self._tells and folded.runs:
                    connection.execute(TELL, (notes(row.key for row in folded.runs),))
                for defect in folded.defects:
                    row = (*defect.key, defect.seq, defect.digest, defect.kind)
                    connection.execute(merge.DEFECT, row)
            _redact(connection, folded.redactions)
            fault.at("ledger.before_commit")
        fault.at("ledger.after_commit")
        metrics.FACTS.inc(len(batch.facts))
        metrics.REPEATS.inc(folded.repeats)
        metrics.DEFECTS.inc(len(folded.defects))

    def _advance(self, connection: Connection, offsets: Mapping[TopicPartition, int]) -> None:
        """Moves the offsets on. From here until the commit a new owner waits for this batch."""
        for place, next_offset in sorted(offsets.items()):
            moved = connection.execute(
                """UPDATE offsets SET next_offset = %s
                WHERE topic = %s AND partition = %s AND epoch = %s AND next_offset <= %s""",
                (next_offset, *place, self._epochs.get(place, -1), next_offset),
            )
            if moved.rowcount != 1:
                raise OwnershipLost(
                    f"{place.topic}-{place.partition} belongs to another instance since; its rows are "
                    f"not written by {self._owner} any more."
                )


def _kept_straight(connection: Connection, batch: Prepared) -> bool:
    """Keeps the batch if nothing of it was met before; else nothing is kept, and the answer is False.

    A repeat does not pass the tables' keys. That of `events` also holds where one judgement of a run started
    it and another did not, whose rows are in different tables.
    """
    if batch.folded.redactions:
        return False
    erased = connection.execute(merge.ERASURES, (batch.first_start_ms,)).fetchone()
    if erased is None or erased[1] or _known(connection):
        return False
    try:
        with connection.transaction():
            incoming.copy(connection, batch.beginning)
    except psycopg.errors.UniqueViolation:
        return False
    with connection.pipeline():
        for statement in _meeting(batch.follows, slow=False):
            connection.execute(statement)
    return True


def _kept_carefully(connection: Connection, batch: Prepared) -> Folded:
    """Keeps the batch whatever is there of its runs; how it folded with that."""
    folded = batch.folded
    incoming.empty(connection)
    incoming.copy(connection, incoming.of(incoming.MEETING, folded, CopyFormat()))
    known = _known(connection)
    if known:
        folded = fold(batch.facts, known)
        incoming.empty(connection)
        incoming.copy(connection, incoming.of(incoming.MEETING, folded, CopyFormat()))
    with connection.pipeline():
        for statement in _meeting(folded, slow=bool(known)):
            connection.execute(statement)
    return folded


def _known(connection: Connection) -> dict[RunKey, Known]:
    rows = connection.execute(merge.KNOWN).fetchall()
    return {RunKey(tenant, run): Known(bytes(seen), end_seq) for tenant, run, seen, end_seq in rows}


def _meeting(folded: Folded, *, slow: bool) -> Iterator[str]:
    """What lets the rows in the temporary tables meet those of the history."""
    if folded.runs or folded.skipped:
        yield merge.CHANGES
    if folded.runs:
        yield merge.RUNS_MOVED
        yield merge.RUNS_NEW
        yield merge.RUNS_STARTED
        if slow:
            yield merge.RUNS_FILLED
    for rows, statement in (
        (folded.skipped, merge.SKIPPED),
        (folded.attempts, merge.ATTEMPTS),
        (folded.payloads, merge.PAYLOADS),
        (folded.events, merge.EVENTS),
        (folded.verdicts, merge.VERDICTS),
        (folded.late, merge.LATE_RESULTS),
    ):
        if rows:
            yield statement


def _counting(folded: Folded) -> Iterator[str]:
    if folded.runs or folded.skipped:
        yield merge.FIGURES
        yield merge.FIGURE_BUCKETS
        yield merge.FIGURE_LATENCIES
        yield merge.FIGURE_LATENCY_TOTALS


def _redact(connection: Connection, redactions: Sequence[Redaction]) -> None:
    """Erases what this batch asks for, and what it brings of runs that an earlier erasure covers."""
    before = connection.execute(merge.ERASURES, (0,)).fetchone()
    if not redactions and before == (False, False):
        return
    for redaction in redactions:
        row = (
            redaction.tenant_id,
            redaction.module,
            redaction.record_id,
            redaction.at_ms,
            redaction.requested_by,
        )
        connection.execute(merge.REDACTION, row)
        named = dict(zip(("tenant_id", "module", "record_id", "at_ms"), row, strict=False))
        connection.execute(merge.REDACTED_BY_BATCH, named)
    connection.execute(merge.REDACTED_BEFORE)
    for statement in merge.REDACT:
        connection.execute(statement)
    rows = connection.execute("SELECT tenant_id, run_id::text, event_id FROM redacted").fetchall()
    for tenant_id, run_id, event_id in rows:
        key = event_key(run_id, tenant_id, event_id)
        connection.execute(
            "UPDATE events SET body = '' WHERE tenant_id = %s AND event_key = %s::uuid",
            (tenant_id, key),
        )


@contextmanager
def open_store(database_url: str, owner: str, schema: str = HISTORY) -> Iterator[ProjectionStore]:
    """A store whose session ends with the block."""
    store = ProjectionStore(database_url, owner, schema)
    try:
        yield store
    finally:
        store.close()
