# ruff: noqa: S608 — the statements are put together from constants of this package
"""What a rebuilt history takes over from the one in use, because the journal does not hold it any more."""

from typing import Final, LiteralString

from psycopg import Connection, sql

from run_ledger.adapters.history.partitions import TABLES
from run_ledger.adapters.history.schema import STATUS_COUNTS
from run_ledger.domain.figures import BUCKET_MS, bucket_ms

_KEYS: Final = {"events": "event_key"}
_WHOLE: Final = ("redactions", "defects")
_STATUSES: Final = ", ".join(STATUS_COUNTS)
_SUMS: Final = ", ".join(f"sum({status})" for status in STATUS_COUNTS)


def carry_over(connection: Connection, rebuilt: str, first_complete_ms: int) -> None:
    """Brings older rows, whole older partitions, and older counts into schema `rebuilt`.

    Runs of which the journal holds only the end come as they are in the history in use.
    """
    moving = _CarryOver(connection, rebuilt)
    moving.drop_half_runs(first_complete_ms)
    for table in TABLES:
        moving.bring(table.name, _KEYS.get(table.name, "run_id"))
    for name in _WHOLE:
        moving.run("INSERT INTO {next}.{table} SELECT * FROM history.{table} ON CONFLICT DO NOTHING", name)
    moving.bring_figures(first_complete_ms)


def drop_unkept(connection: Connection, rebuilt: str) -> None:
    """Drops rebuilt partitions that retention has dropped from the history in use."""
    moving = _CarryOver(connection, rebuilt)
    for table in TABLES:
        theirs = moving.partitions("history", table.name)
        for name in moving.partitions(rebuilt, table.name).keys() - theirs.keys():
            moving.run("DROP TABLE {next}.{table}", name)


class _CarryOver:
    def __init__(self, connection: Connection, rebuilt: str) -> None:
        self._connection = connection
        self._rebuilt = rebuilt

    def drop_half_runs(self, first_complete_ms: int) -> None:
        """Runs whose first fact the journal has lost, or of whose time it holds only a part."""
        self._connection.execute(
            sql.SQL(
                """CREATE TEMP TABLE half_runs ON COMMIT DROP AS
                SELECT tenant_id, run_id FROM {next}.runs
                WHERE workflow_id IS NULL OR started_at_ms < {since}"""
            ).format(next=sql.Identifier(self._rebuilt), since=sql.Literal(first_complete_ms))
        )
        for name in ("runs", "attempts", "payloads", "late_results"):
            self.run(
                """DELETE FROM {next}.{table} t USING half_runs h
                WHERE t.tenant_id = h.tenant_id AND t.run_id = h.run_id
                  AND EXISTS (SELECT FROM history.runs r
                              WHERE r.tenant_id = h.tenant_id AND r.run_id = h.run_id)""",
                name,
            )

    def bring(self, table: str, key: str) -> None:
        """Rows of partitions that both have, and partitions that only the history in use has."""
        theirs, ours = self.partitions("history", table), self.partitions(self._rebuilt, table)
        for name in theirs.keys() & ours.keys():
            self._connection.execute(
                sql.SQL(
                    """INSERT INTO {next}.{table} SELECT l.* FROM history.{table} l
                    WHERE NOT EXISTS (SELECT FROM {next}.{table} n
                                      WHERE n.{key} = l.{key} AND n.tenant_id = l.tenant_id)"""
                ).format(
                    next=sql.Identifier(self._rebuilt), table=sql.Identifier(name), key=sql.Identifier(key)
                )
            )
        for name in theirs.keys() - ours.keys():
            self._move(table, name, theirs[name])

    def _move(self, table: str, name: str, bounds: str) -> None:
        parts = {
            "next": sql.Identifier(self._rebuilt),
            "table": sql.Identifier(table),
            "name": sql.Identifier(name),
            "bounds": sql.SQL(bounds),
        }
        for statement in (
            "ALTER TABLE history.{table} DETACH PARTITION history.{name}",
            "ALTER TABLE history.{name} SET SCHEMA {next}",
            "ALTER TABLE {next}.{table} ATTACH PARTITION {next}.{name} {bounds}",
        ):
            self._connection.execute(sql.SQL(statement).format(**parts))

    def partitions(self, schema: str, table: str) -> dict[str, str]:
        rows = self._connection.execute(
            """SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = (%s || '.' || %s)::regclass""",
            (schema, table),
        ).fetchall()
        return dict(rows)

    def bring_figures(self, first_complete_ms: int) -> None:
        """Counts of times before the journal's first complete bucket; totals are the buckets' sums."""
        first_bucket = bucket_ms(first_complete_ms) + BUCKET_MS if first_complete_ms else 0
        values = {"next": sql.Identifier(self._rebuilt), "first": sql.Literal(first_bucket)}
        for table in ("figure_buckets", "figure_latencies"):
            names = {**values, "table": sql.Identifier(table)}
            for statement in (
                "DELETE FROM {next}.{table} WHERE bucket_ms < {first}",
                "INSERT INTO {next}.{table} SELECT * FROM history.{table} WHERE bucket_ms < {first}",
            ):
                self._connection.execute(sql.SQL(statement).format(**names))
        for total in (
            "TRUNCATE {next}.figures, {next}.figure_latency_totals",
            f"""INSERT INTO {{next}}.figures (tenant_id, workflow_id, {_STATUSES}, last_run_at_ms)
                SELECT b.tenant_id, b.workflow_id, {_SUMS},
                       (SELECT max(f.last_run_at_ms) FROM history.figures f
                        WHERE f.tenant_id = b.tenant_id AND f.workflow_id = b.workflow_id)
                FROM {{next}}.figure_buckets b GROUP BY b.tenant_id, b.workflow_id""",
            """INSERT INTO {next}.figure_latency_totals (tenant_id, workflow_id, step, runs)
                SELECT tenant_id, workflow_id, step, sum(runs) FROM {next}.figure_latencies
                GROUP BY tenant_id, workflow_id, step""",
        ):
            self._connection.execute(sql.SQL(total).format(**values))

    def run(self, statement: LiteralString, table: str) -> None:
        names = {"next": sql.Identifier(self._rebuilt), "table": sql.Identifier(table)}
        self._connection.execute(sql.SQL(statement).format(**names))
