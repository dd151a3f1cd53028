# ruff: noqa: S608 — the statements are put together from constants here; values are always bound
"""Counts by status and durations over time, added up from the buckets that the projection keeps."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.history.schema import STATUS_COUNTS
from run_ledger.domain.figures import quantile_ms
from run_ledger.domain.views import rfc3339

BUCKETS_MS: Final = {"5m": 300_000, "1h": 3_600_000, "1d": 86_400_000}
BUCKETS_MAX: Final = 2_000
"""Points of one answer: more than a chart can show."""

_SUMS: Final = ", ".join(f"sum({status})::bigint AS {status}" for status in STATUS_COUNTS)
_WHERE: Final = """WHERE tenant_id = :tenant_id AND bucket_ms >= :from_ms AND bucket_ms < :to_ms
    AND (:workflow_id = '' OR workflow_id = :workflow_id)"""
_COUNTS: Final = text(
    f"""SELECT bucket_ms / :bucket_ms * :bucket_ms AS at_ms, {_SUMS}
    FROM history.figure_buckets {_WHERE} GROUP BY 1 ORDER BY 1"""
)
_STEPS: Final = text(
    f"""SELECT bucket_ms / :bucket_ms * :bucket_ms AS at_ms, step, sum(runs)::bigint AS runs
    FROM history.figure_latencies {_WHERE} GROUP BY 1, 2"""
)


class Stats:
    """Reads through an engine's pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def series(
        self, tenant_id: str, workflow_id: str | None, from_ms: int, to_ms: int, bucket_ms: int
    ) -> list[dict[str, Any]]:
        """One point per bucket in which anything happened; a run counts where its event happened."""
        values = {
            "tenant_id": tenant_id,
            "workflow_id": workflow_id or "",
            "from_ms": from_ms - from_ms % bucket_ms,
            "to_ms": to_ms,
            "bucket_ms": bucket_ms,
        }
        async with self._engine.connect() as connection:
            counts = (await connection.execute(_COUNTS, values)).mappings().all()
            steps: dict[int, dict[int, int]] = {}
            for at_ms, step, runs in (await connection.execute(_STEPS, values)).all():
                steps.setdefault(at_ms, {})[step] = runs
        return [_point(row, steps.get(row["at_ms"], {})) for row in counts]


def _point(row: Any, steps: dict[int, int]) -> dict[str, Any]:
    statuses = {status: row[status] for status in STATUS_COUNTS}
    return {
        "at": rfc3339(row["at_ms"]),
        "run_count": sum(statuses.values()) - statuses["skipped"],
        "runs_by_status": statuses,
        "p50_ms": quantile_ms(steps, 0.5),
        "p99_ms": quantile_ms(steps, 0.99),
    }
