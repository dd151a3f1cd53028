"""Runs past their time, with the cause: `GET /v1/runs/stuck`, and a gauge by cause."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Protocol

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger import metrics
from run_ledger.domain import stuck
from run_ledger.domain.stuck import CAUSES, Overdue
from run_ledger.domain.views import rfc3339
from signalbox_contracts.wait_reasons import BREAKER_OPEN_PATTERN
from signalbox_runtime.clock import Clock

WATCH_SECONDS: Final = 30.0
COUNTED_MAX: Final = 10_000
"""More are not looked at: something large is wrong then, and the list begins with the oldest."""
log = structlog.get_logger()


class Behind(Protocol):
    """How far each consumer group is behind."""

    async def behind(self) -> dict[str, int]:
        """Records not read yet, by group; a group that can't be asked is left out."""
        ...


class StuckRuns:
    """Reads through an engine's pool."""

    def __init__(self, engine: AsyncEngine, behind: Behind, clock: Clock) -> None:
        self._engine = engine
        self._behind = behind
        self._clock = clock

    async def of(self, tenant_id: str, limit: int) -> dict[str, Any]:
        """The tenant's stuck runs, longest first, with counts by cause and what each service is behind."""
        behind = await self._behind.behind()
        rows = await self._rows(tenant_id, COUNTED_MAX)
        items = [_item(row, behind) for row in rows]
        counts = Counter(item["cause"] for item in items)
        return {
            "items": items[:limit],
            "counts": {cause: counts[cause] for cause in CAUSES},
            "behind": behind,
        }

    async def count(self) -> None:
        """Sets the gauge."""
        behind = await self._behind.behind()
        counts = Counter(_item(row, behind)["cause"] for row in await self._rows(None, COUNTED_MAX))
        for cause in CAUSES:
            metrics.STUCK_RUNS.labels(cause=cause).set(counts[cause])

    async def watch(self, stop: asyncio.Event) -> None:
        """Counts now and then until `stop`."""
        while not stop.is_set():
            try:
                await self.count()
            except (DBAPIError, PoolTimeout) as error:
                log.warning("stuck runs can't be counted", reason=str(error))
            try:
                await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
            except TimeoutError:
                continue

    async def _rows(self, tenant_id: str | None, limit: int) -> list[Mapping[Any, Any]]:
        now_ms = self._clock.now_ms()
        values = {
            "tenant_id": tenant_id or "",
            "now_ms": now_ms,
            "late_ms": now_ms - stuck.RETRY_GRACE_MS,
            "silent_ms": now_ms - stuck.SILENCE_MS,
            "breaker": BREAKER_OPEN_PATTERN,
            "limit": limit,
        }
        async with self._engine.connect() as connection:
            return list((await connection.execute(_STUCK, values)).mappings().all())


def _item(row: Mapping[Any, Any], behind: Mapping[str, int]) -> dict[str, Any]:
    found = stuck.why(Overdue(row["status"], row["waiting_for"], row["action_type"], row["reason"]), behind)
    return {
        "id": row["run_id"],
        "workflow_id": row["workflow_id"],
        "workflow_name": row["workflow_name"],
        "status": row["status"],
        "waiting_for": row["waiting_for"],
        "action": row["action_id"],
        "since": rfc3339(row["since_ms"]),
        "cause": found.cause,
        "about": found.about,
    }


_STUCK: Final = text(
    """SELECT run_id::text AS run_id, workflow_id, workflow_name, status, waiting_for, action_type, action_id,
        reason, coalesce(deadline_ms, moved_at_ms) AS since_ms
    FROM history.runs
    WHERE (:tenant_id = '' OR tenant_id = :tenant_id) AND workflow_id IS NOT NULL
      AND status IN ('running', 'waiting')
      AND ((status = 'waiting' AND waiting_for = 'crm' AND deadline_ms < :now_ms)
        OR (status = 'waiting' AND waiting_for = 'retry' AND deadline_ms < :late_ms)
        OR (status = 'waiting' AND waiting_for = 'retry' AND reason LIKE :breaker)
        OR (status = 'running' AND moved_at_ms < :silent_ms))
    ORDER BY since_ms, run_id LIMIT :limit"""
)
