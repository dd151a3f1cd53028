"""A folded batch on its way into PostgreSQL, as bytes of binary COPY.

Rows of runs that begin in the batch go straight into the history (`STRAIGHT`). Whatever has to meet rows of
earlier batches goes into temporary tables of the session first (`MEETING`): filling them locks nothing that
anybody else uses, so a process that stalls in the middle blocks nobody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from psycopg import Connection

from run_ledger.adapters.history import schema
from run_ledger.adapters.projection import columns
from run_ledger.adapters.projection.copy_format import CopyFormat
from run_ledger.domain.fold import Folded

_MEETING: Final = "first_seq bigint, whole boolean, bucket_ms bigint, ended_bucket_ms bigint, step smallint"


class Target(NamedTuple):
    """A table that rows are copied into: its name, the DDL of its columns, and where its rows come from."""

    table: str
    ddl: str
    rows: Callable[[Folded], Iterable[Sequence[Any]]]

    def packed(self, copy_format: CopyFormat, folded: Folded) -> bytes:
        """The batch's rows for it, as COPY takes them."""
        return copy_format.packed(schema.types(self.ddl), self.rows(folded))


STRAIGHT: Final = (
    Target("runs", schema.RUNS, lambda folded: map(columns.run, folded.runs)),
    Target("skipped_runs", schema.SKIPPED, lambda folded: map(columns.skipped, folded.skipped)),
    Target("attempts", schema.ATTEMPTS, lambda folded: map(columns.attempt, folded.attempts)),
    Target("payloads", schema.PAYLOADS, lambda folded: map(columns.payload, folded.payloads)),
    Target("events", schema.EVENTS, lambda folded: map(columns.event, folded.events)),
    Target("verdicts", schema.VERDICTS, lambda folded: map(columns.verdict, folded.verdicts)),
    Target("changes", schema.CHANGES, lambda folded: columns.changes(folded.runs, folded.skipped)),
)
"""For a batch of which every run begins."""

MEETING: Final = (
    Target(
        "incoming_runs", f"{schema.RUNS}, {_MEETING}", lambda folded: map(columns.meeting_run, folded.runs)
    ),
    Target(
        "incoming_skipped",
        f"{schema.SKIPPED}, bucket_ms bigint",
        lambda folded: map(columns.meeting_skipped, folded.skipped),
    ),
    Target("incoming_attempts", schema.ATTEMPTS, lambda folded: map(columns.attempt, folded.attempts)),
    Target("incoming_payloads", schema.PAYLOADS, lambda folded: map(columns.payload, folded.payloads)),
    Target("incoming_events", schema.EVENTS, lambda folded: map(columns.event, folded.events)),
    Target("incoming_verdicts", schema.VERDICTS, lambda folded: map(columns.verdict, folded.verdicts)),
    Target("incoming_late_results", schema.LATE_RESULTS, lambda folded: map(columns.late, folded.late)),
)

Bytes = Mapping[Target, bytes]


def prepare(connection: Connection) -> None:
    """Makes the temporary tables of a new session."""
    for target in MEETING:
        connection.execute(f"CREATE TEMP TABLE {target.table} ({target.ddl}) ON COMMIT DELETE ROWS")
    connection.execute(f"CREATE TEMP TABLE changes ({schema.CHANGES}) ON COMMIT DELETE ROWS")


def of(targets: Iterable[Target], folded: Folded, copy_format: CopyFormat) -> Bytes:
    """What the batch has for these tables; nothing for a table without rows."""
    return {target: rows for target in targets if (rows := target.packed(copy_format, folded))}


def copy(connection: Connection, rows: Bytes) -> None:
    """Sends them. Raises UniqueViolation where a table of the history has one of them already."""
    for target, content in rows.items():
        names = ", ".join(schema.names(target.ddl))
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {target.table} ({names}) FROM STDIN (FORMAT binary)") as copying,
        ):
            copying.write(content)


def empty(connection: Connection) -> None:
    """Takes everything out of the temporary tables again."""
    for target in MEETING:
        connection.execute(f"TRUNCATE {target.table}")


def all_ids(folded: Folded) -> Iterable[str]:
    """Every id that names a partition."""
    yield from (row.key.run_id for row in folded.runs)
    yield from (row.key.run_id for row in folded.skipped)
    yield from (row.event_key for row in folded.events)
    yield from (row.key.run_id for row in folded.late)
