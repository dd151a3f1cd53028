"""Two histories side by side: the rows of the runs that the journal still holds, counted and hashed."""

from typing import Final

import msgspec
from psycopg import Connection, sql

_BY_RUN: Final = ("runs", "skipped_runs", "attempts", "payloads", "verdicts", "late_results")
_HASH: Final = "coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)"


class Difference(msgspec.Struct, frozen=True):
    """One table that is not the same in both."""

    table: str
    rows_in_use: int
    rows_rebuilt: int
    differing: int
    """Rows of the rebuilt history that the one in use does not have like this."""


def differences(connection: Connection, rebuilt: str, first_complete_ms: int) -> list[Difference]:
    """The tables that differ over the runs that began at or after `first_complete_ms`.

    Rows that retention dropped from the history in use are not looked for.
    """
    names = {"next": sql.Identifier(rebuilt), "since": sql.Literal(first_complete_ms)}
    for schema in ("history", rebuilt):
        _make_keys(connection, schema, names)
    found = [_compared(connection, table, names) for table in _BY_RUN]
    return [difference for difference in found if difference is not None]


def _make_keys(connection: Connection, schema: str, names: dict[str, sql.Composable]) -> None:
    connection.execute(
        sql.SQL(
            """CREATE TEMP TABLE {keys} ON COMMIT DROP AS
            SELECT tenant_id, run_id FROM {schema}.runs WHERE started_at_ms >= {since}
            UNION ALL
            SELECT tenant_id, run_id FROM {schema}.skipped_runs WHERE started_at_ms >= {since}"""
        ).format(keys=sql.Identifier(f"keys_{schema}"), schema=sql.Identifier(schema), since=names["since"])
    )


def _compared(connection: Connection, table: str, names: dict[str, sql.Composable]) -> Difference | None:
    in_use, rebuilt = (_summed(connection, schema, table) for schema in ("history", names["next"]))
    if in_use == rebuilt:
        return None
    row = connection.execute(
        sql.SQL(
            """SELECT count(*) FROM (
                SELECT t.* FROM {next}.{table} t JOIN {keys} k USING (tenant_id, run_id)
                EXCEPT
                SELECT t.* FROM history.{table} t) d"""
        ).format(next=names["next"], table=sql.Identifier(table), keys=_keys(names["next"]))
    ).fetchone()
    assert row is not None
    return Difference(table, in_use[0], rebuilt[0], row[0])


def _summed(connection: Connection, schema: str | sql.Composable, table: str) -> tuple[int, int]:
    identifier = sql.Identifier(schema) if isinstance(schema, str) else schema
    row = connection.execute(
        sql.SQL(
            "SELECT count(*), {hash} FROM {schema}.{table} t JOIN {keys} k USING (tenant_id, run_id)"
        ).format(hash=sql.SQL(_HASH), schema=identifier, table=sql.Identifier(table), keys=_keys(identifier))
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _keys(schema: sql.Composable) -> sql.Identifier:
    assert isinstance(schema, sql.Identifier)
    return sql.Identifier(f"keys_{schema._obj[0]}")
