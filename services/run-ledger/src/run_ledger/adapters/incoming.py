"""A folded batch on its way into PostgreSQL: temporary tables of its session, filled by binary COPY.

Filling them locks nothing that anybody else uses, so a process that stalls in the middle blocks nobody.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format

from run_ledger.adapters import schema
from run_ledger.domain.figures import bucket_ms, duration_step
from run_ledger.domain.fold import Folded
from run_ledger.domain.rows import AttemptRow, RunRow, RunStart, SkippedRow
from run_ledger.domain.transitions import Canceled, Failed, Place, Running, Waiting, ended, status
from signalbox_contracts import ids

_UUID_OID: Final = 2950


class UuidTextDumper(Dumper):
    """A uuid written as text, as the binary COPY wants it."""

    format = Format.BINARY
    oid = _UUID_OID

    def dump(self, obj: Any) -> bytes:
        return bytes.fromhex(obj.replace("-", ""))


class IncomingTable(NamedTuple):
    """One temporary table: its name, DDL, and the types of its columns in order."""

    name: str
    columns: str

    @property
    def types(self) -> tuple[str, ...]:
        """The types COPY is told, one per column."""
        return tuple(column.split()[1] for column in self.columns.replace("\n", " ").split(","))


_FIGURES: Final = "first_seq bigint, whole boolean, bucket_ms bigint, ended_bucket_ms bigint, step smallint"
RUNS: Final = IncomingTable("incoming_runs", f"{schema.RUNS}, {_FIGURES}")
SKIPPED: Final = IncomingTable("incoming_skipped", f"{schema.SKIPPED}, bucket_ms bigint")
ATTEMPTS: Final = IncomingTable("incoming_attempts", schema.ATTEMPTS)
PAYLOADS: Final = IncomingTable("incoming_payloads", schema.PAYLOADS)
EVENTS: Final = IncomingTable("incoming_events", schema.EVENTS)
VERDICTS: Final = IncomingTable("incoming_verdicts", schema.VERDICTS)
LATE_RESULTS: Final = IncomingTable("incoming_late_results", schema.LATE_RESULTS)
TABLES: Final = (RUNS, SKIPPED, ATTEMPTS, PAYLOADS, EVENTS, VERDICTS, LATE_RESULTS)


def prepare(connection: Connection) -> None:
    """Makes the temporary tables of a new session."""
    connection.adapters.register_dumper(None, UuidTextDumper)
    for table in TABLES:
        connection.execute(f"CREATE TEMP TABLE {table.name} ({table.columns}) ON COMMIT DELETE ROWS")


def fill(connection: Connection, folded: Folded) -> None:
    """Copies the batch's rows in. Empty lists cost nothing."""
    _copy(connection, RUNS, [_run(row) for row in folded.runs])
    _copy(connection, SKIPPED, [_skipped(row) for row in folded.skipped])
    _copy(connection, ATTEMPTS, [_attempt(row) for row in folded.attempts])
    _copy(
        connection,
        PAYLOADS,
        [(*row.key, row.record_seq, row.record, row.token_seq, row.token) for row in folded.payloads],
    )
    _copy(connection, EVENTS, [(row.tenant_id, row.event_key, row.body) for row in folded.events])
    _copy(connection, VERDICTS, [(*row.key, row.verdict) for row in folded.verdicts])
    _copy(
        connection,
        LATE_RESULTS,
        [
            (
                *row.key,
                row.digest,
                row.at_ms,
                row.command_id,
                row.action_id,
                row.outcome,
                _text(row.reason),
                row.why,
            )
            for row in folded.late
        ],
    )


def empty(connection: Connection) -> None:
    """Takes the rows out again, to fill the tables with what is left of the batch."""
    for table in TABLES:
        connection.execute(f"TRUNCATE {table.name}")


def _copy(connection: Connection, table: IncomingTable, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(table.types)
        for row in rows:
            copy.write_row(row)


def _text(value: str | None) -> str | None:
    """PostgreSQL's text holds everything but NUL."""
    return value.replace("\x00", "\ufffd") if value is not None and "\x00" in value else value


def _identity(start: RunStart) -> tuple[Any, ...]:
    return (
        _text(start.workflow_id),
        _text(start.workflow_name),
        start.version,
        _text(start.module),
        _text(start.event),
        _text(start.event_id),
        _text(start.record_id),
        start.occurred_at_ms,
        start.started_at_ms,
        start.retry_of,
        start.retry_number,
        ",".join(start.chain),
        start.depth,
    )


_NO_IDENTITY: Final = (None, None, None, None, None, None, None, None, None, None, 0, "", 0)


def _run(row: RunRow) -> tuple[Any, ...]:
    start, standing = row.start, row.standing
    state = standing.state
    event_time_ms = ids.run_id_time_ms(row.key.run_id)
    is_ended = ended(state)
    duration_ms = max(standing.at_ms - event_time_ms, 0)
    return (
        *row.key,
        *(_NO_IDENTITY if start is None else _identity(start)),
        msgspec.json.encode(start.actions) if start is not None else None,
        msgspec.json.encode([_kept(action) for action in start.kept]) if start and start.kept else None,
        standing.seq,
        status(state),
        standing.at_ms,
        standing.at_ms if is_ended else None,
        *_state_columns(state),
        row.seen,
        row.first_seq,
        row.whole,
        bucket_ms(event_time_ms),
        bucket_ms(standing.at_ms) if is_ended else None,
        duration_step(duration_ms) if is_ended else None,
    )


def _kept(action: Any) -> dict[str, Any]:
    return {**msgspec.structs.asdict(action), "receipt": msgspec.Raw(action.receipt or b"null")}


def _state_columns(state: Any) -> tuple[Any, ...]:
    """waiting_for, deadline, reason, action (index, id, type, attempt), error, dead letter, ended by."""
    match state:
        case Waiting(action=action):
            place = (action.index, action.action_id, action.type, action.attempt)
            return (
                state.waiting_for,
                state.deadline_ms,
                _text(state.reason),
                *place,
                None,
                None,
                None,
                None,
            )
        case Running(last=Place() as last):
            return (None, None, None, last.index, last.action_id, last.type, last.attempt, *(None,) * 4)
        case Failed(error=error):
            return (
                *(None,) * 4,
                _text(error.action_id),
                None,
                None,
                _text(error.type),
                _text(error.detail),
                state.dead_letter,
                None,
            )
        case Canceled():
            return (*(None,) * 4, _text(state.action_id), *(None,) * 5, _text(state.requested_by))
        case _:
            return (None,) * 11


def _skipped(row: SkippedRow) -> tuple[Any, ...]:
    state: Any = row.standing.state
    return (
        *row.key,
        *_identity(row.start),
        state.reason,
        _text(state.detail),
        row.seen,
        bucket_ms(ids.run_id_time_ms(row.key.run_id)),
    )


def _attempt(row: AttemptRow) -> tuple[Any, ...]:
    return (
        *row.key,
        row.index,
        row.attempt,
        row.seq,
        _text(row.action_id),
        row.type,
        row.outcome,
        row.started_at_ms,
        row.finished_at_ms,
        row.deadline_ms,
        row.retry_at_ms,
        row.final,
        _text(row.error_type),
        _text(row.error_detail),
        row.effect_key,
        row.receipt,
        msgspec.json.encode(row.warnings) if row.warnings else None,
    )


def all_ids(folded: Folded) -> Iterable[str]:
    """Every id that names a partition."""
    yield from (row.key.run_id for row in folded.runs)
    yield from (row.key.run_id for row in folded.skipped)
    yield from (row.event_key for row in folded.events)
    yield from (row.key.run_id for row in folded.late)
