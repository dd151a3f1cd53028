"""What the ledger says about workflows' runs, read from its view `history.workflow_figures`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from workflow_api.adapters.reading import reading

_QUERY: Final = text(
    # One look per workflow; OFFSET 0 keeps the view whole, so that its id reaches into the view's groups.
    # With `= ANY` the planner computes the figures of all of the tenant's workflows.
    "SELECT figures.* FROM unnest(CAST(:workflow_ids AS text[])) AS wanted (id) CROSS JOIN LATERAL ("
    " SELECT workflow_id, run_count, skipped_count, runs_by_status, last_run_at, failed_24h, p50_ms, p99_ms"
    " FROM history.workflow_figures WHERE tenant_id = :tenant_id AND workflow_id = wanted.id OFFSET 0"
    ") AS figures"
)
_NOT_THERE: Final = frozenset({"42P01", "3F000"})  # undefined table, invalid schema name
IN_FLIGHT: Final = ("running", "waiting", "canceling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of one workflow's runs. `run_count` are those whose conditions held."""

    run_count: int = 0
    skipped_count: int = 0
    runs_by_status: Mapping[str, int] = field(default_factory=dict)
    last_run_at: datetime | None = None
    failed_24h: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def in_flight(self) -> int:
        """Runs that have not ended."""
        return sum(self.runs_by_status.get(status, 0) for status in IN_FLIGHT)


NO_RUNS: Final = Figures()


async def figures_of(
    engine: AsyncEngine, tenant_id: str, workflow_ids: Collection[str]
) -> dict[str, Figures]:
    """Figures by workflow id; a workflow without runs is not in it, nor any before the ledger started."""
    if not workflow_ids:
        return {}
    values = {"tenant_id": tenant_id, "workflow_ids": list(workflow_ids)}
    try:
        async with reading(engine) as connection:
            rows = (await connection.execute(_QUERY, values)).mappings().all()
    except ProgrammingError as error:
        if not is_not_there(error):
            raise
        return {}
    return {row["workflow_id"]: _figures(row) for row in rows}


def is_not_there(error: ProgrammingError) -> bool:
    """Whether a query failed because the ledger has not made its view yet."""
    return getattr(error.orig, "sqlstate", None) in _NOT_THERE


def _figures(row: Mapping[Any, Any]) -> Figures:
    return Figures(
        run_count=row["run_count"] or 0,
        skipped_count=row["skipped_count"] or 0,
        runs_by_status=row["runs_by_status"] or {},
        last_run_at=row["last_run_at"],
        failed_24h=row["failed_24h"] or 0,
        p50_ms=row["p50_ms"],
        p99_ms=row["p99_ms"],
    )
