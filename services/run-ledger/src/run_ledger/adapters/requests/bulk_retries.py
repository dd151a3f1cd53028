# ruff: noqa: S608 — the statements are put together from constants here; values are always bound
"""Many runs retried by a filter: counted first, then paced, stopped when asked, with a result per run.

Everything lies in rows, so a restart goes on where it was: a run is taken by its row, retried in the same way
as by a click, and its row then says what came of it. One instance works at a time.
"""

import asyncio
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.reading.runs_reader import RunFilter, RunsReader, run_clauses
from run_ledger.adapters.requests.requests import Requests, RetryAsked
from run_ledger.domain.retry import Mode
from run_ledger.domain.views import rfc3339
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.problems import Problem

RUNS_MAX: Final = 100_000
PER_SECOND_MAX: Final = 100
TICK_SECONDS: Final = 1.0
_WORKER_LOCK: Final = 0x5347_4252
log = structlog.get_logger()


class BulkRetries:
    """Writes and reads through an engine's pool."""

    def __init__(self, engine: AsyncEngine, reader: RunsReader, requests: Requests, clock: Clock) -> None:
        self._engine = engine
        self._reader = reader
        self._requests = requests
        self._clock = clock

    async def preview(self, tenant_id: str, wanted: RunFilter) -> dict[str, Any]:
        """How many failed runs match, and how many of them have no Retry yet, by workflow."""
        where, values = _matching(tenant_id, wanted)
        query = f"""SELECT r.workflow_id, min(r.workflow_name), count(*),
                count(*) FILTER (WHERE t.run_id IS NULL)
            FROM history.runs r
            LEFT JOIN ledger.retries t ON t.tenant_id = r.tenant_id AND t.run_id = r.run_id
            WHERE {where} GROUP BY r.workflow_id ORDER BY r.workflow_id"""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), values)).all()
        workflows = [
            {"workflow_id": row[0], "workflow_name": row[1], "matching": row[2], "to_retry": row[3]}
            for row in rows
        ]
        return {
            "matching": sum(row[2] for row in rows),
            "to_retry": sum(row[3] for row in rows),
            "workflows": workflows,
        }

    async def start(
        self,
        tenant_id: str,
        wanted: RunFilter,
        mode: Mode,
        *,
        repeat_completed: bool,
        per_second: int,
        by: str,
    ) -> str:
        """Notes which runs are to be retried: those that match now. Returns its id."""
        where, values = _matching(tenant_id, wanted)
        bulk_id = uuid4()
        async with self._engine.begin() as connection:
            await connection.execute(
                _INSERT_BULK,
                {
                    "id": bulk_id,
                    "tenant_id": tenant_id,
                    "mode": mode,
                    "repeat_completed": repeat_completed,
                    "per_second": per_second,
                    "requested_by": by,
                    "requested_at_ms": self._clock.now_ms(),
                },
            )
            query = f"""INSERT INTO ledger.bulk_retry_runs (bulk_id, position, run_id)
                SELECT :bulk_id, row_number() OVER (ORDER BY r.started_at_ms, r.run_id), r.run_id
                FROM history.runs r
                LEFT JOIN ledger.retries t ON t.tenant_id = r.tenant_id AND t.run_id = r.run_id
                WHERE {where} AND t.run_id IS NULL ORDER BY r.started_at_ms, r.run_id LIMIT {RUNS_MAX}"""
            await connection.execute(text(query), {**values, "bulk_id": bulk_id})
        return str(bulk_id)

    async def abort(self, tenant_id: str, bulk_id: str) -> None:
        """Retries no more of it; what was retried stays."""
        async with self._engine.begin() as connection:
            await connection.execute(_ABORT, {"id": UUID(bulk_id), "tenant_id": tenant_id})

    async def show(self, tenant_id: str, bulk_id: str, limit: int, after: int) -> dict[str, Any] | None:
        """Its progress, and results from position `after` on; None if there is no such one."""
        try:
            values = {"id": UUID(bulk_id), "tenant_id": tenant_id, "limit": limit, "after": after}
        except ValueError:
            return None
        async with self._engine.connect() as connection:
            bulk = (await connection.execute(_SHOW, values)).mappings().first()
            if bulk is None:
                return None
            rows = (await connection.execute(_RESULTS, values)).mappings().all()
        waiting = bulk["runs"] - bulk["retried"] - bulk["refused"]
        status = "running" if waiting else "done"
        return {
            "id": bulk_id,
            "status": "aborted" if bulk["aborted"] and waiting else status,
            "version": bulk["mode"],
            "repeat_completed": bulk["repeat_completed"],
            "per_second": bulk["per_second"],
            "requested_by": bulk["requested_by"],
            "requested_at": rfc3339(bulk["requested_at_ms"]),
            "runs": bulk["runs"],
            "retried": bulk["retried"],
            "refused": bulk["refused"],
            "results": [dict(row) for row in rows],
        }

    async def work(self, stop: asyncio.Event) -> None:
        """Retries what is waiting, a second's worth at a time, until `stop`."""
        while not stop.is_set():
            try:
                await self.tick()
            except (DBAPIError, PoolTimeout) as error:
                log.warning("bulk retries wait", reason=str(error))
            try:
                await asyncio.wait_for(stop.wait(), TICK_SECONDS)
            except TimeoutError:
                continue

    async def tick(self) -> int:
        """One second's worth; how many runs were tried. 0 where another instance works."""
        tried = 0
        async with self._engine.connect() as elected:
            mine = (await elected.execute(_TRY_LOCK, {"lock": _WORKER_LOCK})).scalar_one()
            if not mine:
                return 0
            try:
                bulks = (await elected.execute(_UNFINISHED)).mappings().all()
                for bulk in bulks:
                    rows = (
                        await elected.execute(_NEXT, {"id": bulk["id"], "limit": bulk["per_second"]})
                    ).all()
                    for (run_id,) in rows:
                        if (await elected.execute(_IS_ABORTED, {"id": bulk["id"]})).scalar_one():
                            break
                        await self._retry(bulk, str(run_id))
                        tried += 1
            finally:
                await elected.rollback()
                await elected.execute(_UNLOCK, {"lock": _WORKER_LOCK})
        return tried

    async def _retry(self, bulk: Any, run_id: str) -> None:
        result: dict[str, Any] = {"new_run_id": None, "problem": None}
        try:
            run = await self._reader.run(bulk["tenant_id"], run_id)
            if run is None:
                result["problem"] = "The run is not kept any more."
            else:
                asked = RetryAsked(bulk["mode"], bulk["repeat_completed"], bulk["requested_by"])
                result["new_run_id"] = UUID(await self._requests.retry(run, asked))
        except Problem as problem:
            result["problem"] = problem.detail
        async with self._engine.begin() as connection:
            await connection.execute(_DONE, {"id": bulk["id"], "run_id": UUID(run_id), **result})


def _matching(tenant_id: str, wanted: RunFilter) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {"tenant_id": tenant_id}
    clauses = run_clauses(wanted, values)
    return " AND ".join([*clauses, "r.status = 'failed'"]), values


_INSERT_BULK: Final = text(
    """INSERT INTO ledger.bulk_retries (id, tenant_id, mode, repeat_completed, per_second, requested_by,
        requested_at_ms)
    VALUES (:id, :tenant_id, :mode, :repeat_completed, :per_second, :requested_by, :requested_at_ms)"""
)
_ABORT: Final = text(
    "UPDATE ledger.bulk_retries SET aborted = true WHERE id = :id AND tenant_id = :tenant_id"
)
_IS_ABORTED: Final = text("SELECT aborted FROM ledger.bulk_retries WHERE id = :id")
_SHOW: Final = text(
    """SELECT b.*, count(r.run_id) AS runs, count(r.new_run_id) AS retried, count(r.problem) AS refused
    FROM ledger.bulk_retries b LEFT JOIN ledger.bulk_retry_runs r ON r.bulk_id = b.id
    WHERE b.id = :id AND b.tenant_id = :tenant_id GROUP BY b.id"""
)
_RESULTS: Final = text(
    """SELECT position, run_id::text AS run_id, new_run_id::text AS new_run_id, problem
    FROM ledger.bulk_retry_runs WHERE bulk_id = :id AND position > :after ORDER BY position LIMIT :limit"""
)
_UNFINISHED: Final = text(
    """SELECT b.* FROM ledger.bulk_retries b
    WHERE NOT b.aborted AND EXISTS (SELECT FROM ledger.bulk_retry_runs r
        WHERE r.bulk_id = b.id AND r.new_run_id IS NULL AND r.problem IS NULL)
    ORDER BY b.requested_at_ms, b.id"""
)
_NEXT: Final = text(
    """SELECT run_id FROM ledger.bulk_retry_runs
    WHERE bulk_id = :id AND new_run_id IS NULL AND problem IS NULL ORDER BY position LIMIT :limit"""
)
_DONE: Final = text(
    """UPDATE ledger.bulk_retry_runs SET new_run_id = :new_run_id, problem = :problem
    WHERE bulk_id = :id AND run_id = :run_id"""
)
_TRY_LOCK: Final = text("SELECT pg_try_advisory_lock(:lock)")
_UNLOCK: Final = text("SELECT pg_advisory_unlock(:lock)")
