"""Partitions of the history: one a month, one a day for skipped runs, by the time in the id.

One that lacks is made when a row needs it, so an unexpected date never stops the projection. It is made as a
table of its own and attached, which lets readers and writers of other partitions go on; `CREATE TABLE …
PARTITION OF` would wait for all of them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from psycopg import Connection, sql

from run_ledger.domain.retention import Age
from signalbox_contracts import ids


class PartitionedTable(NamedTuple):
    """One table cut by time."""

    name: str
    unit: Literal["month", "day"]
    age: Age


TABLES: Final = (
    PartitionedTable("runs", "month", "runs"),
    PartitionedTable("attempts", "month", "runs"),
    PartitionedTable("late_results", "month", "runs"),
    PartitionedTable("payloads", "month", "payloads"),
    PartitionedTable("events", "month", "payloads"),
    PartitionedTable("verdicts", "month", "verdicts"),
    PartitionedTable("skipped_runs", "day", "skipped"),
)
_LOCK: Final = 0x5347_5054
_LAST: Final = datetime(9999, 11, 1, tzinfo=UTC)


class Span(NamedTuple):
    """The time one partition covers, `end` excluded."""

    begin: datetime
    end: datetime

    @property
    def suffix(self) -> str:
        """How the partition's name ends: `2026_11`, or `2026_11_23` for a day."""
        days = (self.end - self.begin).days
        return self.begin.strftime("%Y_%m_%d" if days == 1 else "%Y_%m")


def span_of(time_ms: int, unit: Literal["month", "day"]) -> Span:
    """The partition that an id of that time falls in; times past the year 9999 fall in its last month."""
    at = min(datetime.fromtimestamp(min(time_ms, 253_402_300_799_000) / 1000, UTC), _LAST)
    begin = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "day":
        return Span(begin, begin + timedelta(days=1))
    begin = begin.replace(day=1)
    return Span(begin, (begin + timedelta(days=32)).replace(day=1))


def first_id(at: datetime) -> UUID:
    """The lowest id of a time: where a partition begins."""
    return UUID(int=round(at.timestamp() * 1000) << 80)


class Partitions:
    """The partitions known to be there, in the first schema of the connection's search path."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def ensure(self, connection: Connection, run_ids: Iterable[str]) -> None:
        """Makes what lacks for rows with these ids, committed at once. Call it outside of a transaction."""
        days = {ids.run_id_time_ms(run_id) // 86_400_000 for run_id in run_ids}
        for table in TABLES:
            for day in days:
                span = span_of(day * 86_400_000, table.unit)
                name = f"{table.name}_{span.suffix}"
                if name not in self._known:
                    _make(connection, table.name, name, span)
                    self._known.add(name)

    def forget(self) -> None:
        """After partitions were dropped."""
        self._known.clear()


def _make(connection: Connection, parent: str, name: str, span: Span) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        found = connection.execute("SELECT to_regclass(%s)", (name,)).fetchone()
        if found is not None and found[0] is not None:
            return
        names = {"parent": sql.Identifier(parent), "name": sql.Identifier(name)}
        connection.execute(sql.SQL("CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS)").format(**names))
        connection.execute(
            sql.SQL(
                "ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"
            ).format(
                **names,
                begin=sql.Literal(str(first_id(span.begin))),
                end=sql.Literal(str(first_id(span.end))),
            )
        )
