"""Carries out what `domain.retention` plans: partitions are dropped or made anew, rows are never deleted.

Counts are kept apart from rows, so they outlive them.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog
from psycopg import Connection, sql

from run_ledger.adapters.history.partitions import TABLES, Partitions, first_id
from run_ledger.domain.retention import Ages, Drop, Kept, Rewrite, Step, plan
from signalbox_runtime.clock import Clock

EVERY_SECONDS: Final = 3_600.0
_LOCK: Final = 0x5347_5254
_AHEAD: Final = (timedelta(0), timedelta(days=1), timedelta(days=32))
"""Partitions that are there before anything needs them: of now, tomorrow and next month."""
log = structlog.get_logger()


def due(connection: Connection, default: Ages, now: datetime) -> list[Step]:
    """What retention would do now."""
    rows = connection.execute(
        """SELECT tenant_id, coalesce(runs_days, %s), coalesce(payloads_days, %s),
            coalesce(verdicts_days, %s), coalesce(skipped_days, %s) FROM ledger.retention""",
        (default.runs, default.payloads, default.verdicts, default.skipped),
    ).fetchall()
    steps = plan(_partitions(connection), default, {row[0]: Ages(*row[1:]) for row in rows}, now)
    return [step for step in steps if isinstance(step, Drop) or _has_rows_to_lose(connection, step)]


def carry_out(connection: Connection, steps: Sequence[Step]) -> None:
    """Each step in a transaction of its own, so that none holds others up for long."""
    for step in steps:
        with connection.transaction():
            match step:
                case Drop(partition):
                    _run(connection, "DROP TABLE history.{name}", partition)
                case Rewrite():
                    _rewrite(connection, step)
        log.info("retention", partition=step.partition.name, step=type(step).__name__)


def keep_house(database_url: str, default: Ages, now: datetime) -> int:
    """Makes partitions ahead, and drops what is due, if no other instance does. How many steps it took."""
    with psycopg.connect(
        database_url, autocommit=True, connect_timeout=5, application_name="run-ledger-retention"
    ) as connection:
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
            return 0
        connection.execute("SET search_path = history, public")
        Partitions().ensure(connection, (str(first_id(now + ahead)) for ahead in _AHEAD))
        steps = due(connection, default, now)
        carry_out(connection, steps)
        return len(steps)


async def work(database_url: str, default: Ages, clock: Clock, stop: asyncio.Event) -> None:
    """Keeps house now and every hour until `stop`."""
    while not stop.is_set():
        now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
        try:
            await asyncio.to_thread(keep_house, database_url, default, now)
        except psycopg.OperationalError as error:
            log.warning("retention waits", reason=str(error))
        try:
            await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
        except TimeoutError:
            continue


def describe(steps: Sequence[Step], say: Callable[[str], None]) -> None:
    """The steps in words, one a line."""
    for step in steps:
        match step:
            case Drop(partition):
                say(f"drop {partition.name}: {partition.age} older than {partition.end:%Y-%m-%d}")
            case Rewrite(partition, tenants, keeps):
                say(f"rewrite {partition.name} {'with' if keeps else 'without'} {', '.join(tenants)}")


def _partitions(connection: Connection) -> list[Kept]:
    found = []
    for table in TABLES:
        rows = connection.execute(
            """SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = ('history.' || %s)::regclass ORDER BY 1""",
            (table.name,),
        ).fetchall()
        for (name,) in rows:
            parts = [int(part) for part in name.removeprefix(f"{table.name}_").split("_")]
            begin = datetime(parts[0], parts[1], parts[2] if len(parts) == 3 else 1, tzinfo=UTC)
            end = begin + timedelta(days=1 if table.unit == "day" else 32)
            found.append(
                Kept(table.name, name, table.age, end if table.unit == "day" else end.replace(day=1))
            )
    return found


def _has_rows_to_lose(connection: Connection, step: Rewrite) -> bool:
    row = connection.execute(
        sql.SQL("SELECT EXISTS (SELECT FROM history.{name} WHERE NOT ({kept}))").format(
            name=sql.Identifier(step.partition.name), kept=_kept(step)
        )
    ).fetchone()
    return row == (True,)


def _rewrite(connection: Connection, step: Rewrite) -> None:
    bounds = connection.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = ('history.' || %s)::regclass",
        (step.partition.name,),
    ).fetchone()
    assert bounds is not None
    # Facts that come late for this time wait until it is done; everything else goes on.
    _run(connection, "LOCK TABLE history.{name} IN SHARE MODE", step.partition)
    _run(
        connection, "CREATE TABLE history.rewritten (LIKE history.{table} INCLUDING DEFAULTS)", step.partition
    )
    connection.execute(
        sql.SQL("INSERT INTO history.rewritten SELECT * FROM history.{name} WHERE {kept}").format(
            name=sql.Identifier(step.partition.name), kept=_kept(step)
        )
    )
    _run(connection, "DROP TABLE history.{name}", step.partition)
    _run(connection, "ALTER TABLE history.rewritten RENAME TO {name}", step.partition)
    connection.execute(
        sql.SQL("ALTER TABLE history.{table} ATTACH PARTITION history.{name} {bounds}").format(
            table=sql.Identifier(step.partition.table),
            name=sql.Identifier(step.partition.name),
            bounds=sql.SQL(bounds[0]),
        )
    )


def _kept(step: Rewrite) -> sql.Composable:
    compared = sql.SQL("tenant_id = ANY({tenants})" if step.keeps else "tenant_id <> ALL({tenants})")
    return compared.format(tenants=sql.Literal(list(step.tenants)))


def _run(connection: Connection, statement: str, partition: Kept) -> None:
    names = {"name": sql.Identifier(partition.name), "table": sql.Identifier(partition.table)}
    connection.execute(sql.SQL(statement).format(**names))
