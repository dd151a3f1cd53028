"""Backtests as jobs: asked for, queued, run by a process of their own, canceled."""

import asyncio
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import func, insert, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_contracts.definitions.document import to_bytes
from signalbox_runtime.clock import Clock
from signalbox_runtime.http import audit
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import conflict, not_found
from workflow_api.adapters.tables import backtests
from workflow_api.domain.announcements import milliseconds
from workflow_api.domain.dry_run import Tested
from workflow_api.domain.workflow import Workflow
from workflow_api.metrics import BACKTESTS
from workflow_api.moments import change_by
from workflow_api.workflows import Workflows

UNFINISHED_MAX: Final = 5
"""Waiting or running backtests of a tenant."""
STALE_SECONDS: Final = 30
"""A running backtest whose process has not written for so long is begun anew by another."""
CLAIM_SECONDS: Final = 0.5
_COLUMNS = backtests.c
_log = structlog.get_logger("backtests")


@dataclass(frozen=True, slots=True)
class StoredBacktest:
    """A backtest's row."""

    id: str
    workflow_id: str
    status: str
    request: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None


class Backtests:
    """What the routes do with backtests."""

    def __init__(self, engine: AsyncEngine, workflows: Workflows, clock: Clock, events_max: int) -> None:
        self._engine = engine
        self._workflows = workflows
        self._clock = clock
        self._events_max = events_max

    async def start(
        self,
        caller: Principal,
        workflow: Workflow,
        tested: Tested,
        form: str,
        from_time: datetime | None,
        to_time: datetime | None,
    ) -> StoredBacktest:
        """Queues a backtest. Raises a 409 problem when too many are unfinished."""
        change = change_by(caller, self._clock)
        now: str | None = None
        if workflow.version is not None and form != str(workflow.version):
            version = await self._workflows.version(caller, workflow, workflow.version)
            now = bytes(version.definition).decode()
        request = {
            "form": form,
            "then": to_bytes(tested.definition).decode(),
            "now": now,
            "now_version": None if now is None else workflow.version,
            "from_ms": None if from_time is None else max(0, milliseconds(from_time)),
            "to_ms": None if to_time is None else max(0, milliseconds(to_time)),
            "events_max": self._events_max,
        }
        backtest_id = f"bt-{uuid.uuid4().hex[:16]}"
        async with self._engine.begin() as connection:
            unfinished = select(func.count()).select_from(backtests)
            unfinished = unfinished.where(
                _COLUMNS.tenant_id == caller.tenant_id, _COLUMNS.status.in_(("waiting", "running"))
            )
            if (await connection.execute(unfinished)).scalar_one() >= UNFINISHED_MAX:
                raise conflict(
                    "too-many-backtests",
                    f"{UNFINISHED_MAX} backtests are unfinished already; wait, or cancel one with DELETE.",
                )
            await connection.execute(
                insert(backtests).values(
                    tenant_id=caller.tenant_id,
                    id=backtest_id,
                    workflow_id=workflow.id,
                    status="waiting",
                    request=request,
                    progress={},
                    created_at=change.at,
                    created_by=change.by,
                )
            )
            await audit.note(
                connection,
                tenant_id=caller.tenant_id,
                at=change.at,
                actor=change.by,
                action="backtest.start",
                object_type="workflow",
                object_id=workflow.id,
                after={"backtest": backtest_id, "version": form},
            )
        return await self.read(caller.tenant_id, workflow.id, backtest_id)

    async def read(self, tenant_id: str, workflow_id: str, backtest_id: str) -> StoredBacktest:
        """A backtest. Raises a 404 problem."""
        query = _selected().where(
            _COLUMNS.tenant_id == tenant_id,
            _COLUMNS.workflow_id == workflow_id,
            _COLUMNS.id == backtest_id,
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            raise not_found(f"backtest of workflow {workflow_id}", backtest_id)
        return StoredBacktest(**row)

    async def list(
        self, tenant_id: str, workflow_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[StoredBacktest]:
        """A workflow's backtests, newest first."""
        query = _selected().where(_COLUMNS.tenant_id == tenant_id, _COLUMNS.workflow_id == workflow_id)
        if before is not None:
            query = query.where(tuple_(_COLUMNS.created_at, _COLUMNS.id) < tuple_(*before))
        query = query.order_by(_COLUMNS.created_at.desc(), _COLUMNS.id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [StoredBacktest(**row) for row in (await connection.execute(query)).mappings()]

    async def cancel(self, caller: Principal, workflow_id: str, backtest_id: str) -> StoredBacktest:
        """Ends a backtest that is not done; its process notices within half a second."""
        change = change_by(caller, self._clock)
        found = await self.read(caller.tenant_id, workflow_id, backtest_id)
        query = (
            update(backtests)
            .where(
                _COLUMNS.tenant_id == caller.tenant_id,
                _COLUMNS.id == found.id,
                _COLUMNS.status.in_(("waiting", "running")),
            )
            .values(status="canceled", finished_at=change.at)
        )
        async with self._engine.begin() as connection:
            await connection.execute(query)
        return await self.read(caller.tenant_id, workflow_id, backtest_id)


def _selected() -> Any:
    columns = _COLUMNS
    return select(
        columns.id,
        columns.workflow_id,
        columns.status,
        columns.request,
        columns.progress,
        columns.result,
        columns.error,
        columns.created_at,
        columns.created_by,
        columns.finished_at,
    )


_CLAIM: Final = text(
    "UPDATE workflows.backtests SET status = 'running', claim = :claim, beat_at = now()"
    " WHERE (tenant_id, id) = (SELECT tenant_id, id FROM workflows.backtests"
    " WHERE status = 'waiting'"
    " OR (status = 'running' AND beat_at < now() - make_interval(secs => :stale))"
    " ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING tenant_id, id"
)
_CRASHED: Final = text(
    "UPDATE workflows.backtests SET status = 'failed', finished_at = now(), error = :error"
    " WHERE tenant_id = :tenant_id AND id = :id AND claim = :claim AND status = 'running'"
)


async def run_backtests(engine: AsyncEngine, stop: asyncio.Event) -> None:
    """Runs queued backtests one after another until `stop`; one cut short is begun again later."""
    while not stop.is_set():
        claim = str(uuid.uuid4())
        try:
            async with engine.begin() as connection:
                row = (await connection.execute(_CLAIM, {"claim": claim, "stale": STALE_SECONDS})).first()
            if row is not None:
                await _run(engine, stop, row.tenant_id, row.id, claim)
                continue
        except DBAPIError as error:
            _log.warning("backtests wait", reason=str(error.orig))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), CLAIM_SECONDS)


async def _run(
    engine: AsyncEngine, stop: asyncio.Event, tenant_id: str, backtest_id: str, claim: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workflow_api.backtest_worker", tenant_id, backtest_id, claim
    )
    ended = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not ended.done():
        process.terminate()
    status = await ended
    BACKTESTS.labels("ended" if status == 0 else "crashed").inc()
    if status != 0 and not stop.is_set():
        values = {
            "error": f"The process ended with {status}; the log of workflow-api says more. Start it again.",
            "tenant_id": tenant_id,
            "id": backtest_id,
            "claim": claim,
        }
        async with engine.begin() as connection:
            await connection.execute(_CRASHED, values)
