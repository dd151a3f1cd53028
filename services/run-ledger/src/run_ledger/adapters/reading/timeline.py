# ruff: noqa: S608 — the statement is put together from constants here; values are always bound
"""A record's events, newest first, with every workflow that judged them: its run, or why there is none."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.domain import verdicts
from run_ledger.domain.views import rfc3339

Place = tuple[int, str]
"""Where a page ends: the time of the judgement, and the event."""

_ONE_RECORD: Final = "tenant_id = :tenant_id AND module = :module AND record_id = :record_id"
_BEFORE: Final = "AND (started_at_ms, event_id) < (:before_ms, :before_event)"
_COLUMNS: Final = """run_id, started_at_ms, event_id, event, occurred_at_ms, workflow_id, workflow_name,
    version, retry_of, reason"""


class Timeline:
    """Reads through an engine's pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(
        self, tenant_id: str, module: str, record_id: str, limit: int, before: Place | None
    ) -> tuple[list[dict[str, Any]], Place | None]:
        """At most `limit` events and where the next page begins."""
        values: dict[str, Any] = {
            "tenant_id": tenant_id,
            "module": module,
            "record_id": record_id,
            "events": limit + 1,
        }
        if before is not None:
            values["before_ms"], values["before_event"] = before
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(_query(paged=before is not None)), values)).mappings().all()
        events: dict[Place, dict[str, Any]] = {}
        for row in rows:
            place = (row["started_at_ms"], row["event_id"])
            events.setdefault(place, _event(row))["workflows"].append(_judgement(row))
        page = list(events.items())
        following = page[limit - 1][0] if len(page) > limit else None
        return [event for _, event in page[:limit]], following


def _query(*, paged: bool) -> str:
    where = f"WHERE {_ONE_RECORD} {_BEFORE if paged else ''}"
    heads = f"""
        (SELECT DISTINCT started_at_ms, event_id FROM history.runs {where}
            ORDER BY started_at_ms DESC, event_id DESC LIMIT :events)
        UNION
        (SELECT DISTINCT started_at_ms, event_id FROM history.skipped_runs {where}
            ORDER BY started_at_ms DESC, event_id DESC LIMIT :events)
        ORDER BY started_at_ms DESC, event_id DESC LIMIT :events"""
    last = "(SELECT min(started_at_ms) FROM heads)"
    return f"""
        WITH heads AS ({heads}),
        judged AS (
            SELECT {_COLUMNS}, status, NULL AS detail FROM history.runs {where} AND started_at_ms >= {last}
            UNION ALL
            SELECT {_COLUMNS}, 'skipped', detail FROM history.skipped_runs {where}
                AND started_at_ms >= {last})
        SELECT j.*, v.verdict FROM heads h
        JOIN judged j ON j.started_at_ms = h.started_at_ms AND j.event_id = h.event_id
        LEFT JOIN history.verdicts v ON v.tenant_id = :tenant_id AND v.run_id = j.run_id
        ORDER BY j.started_at_ms DESC, j.event_id DESC, j.workflow_id, j.run_id"""


def _event(row: Any) -> dict[str, Any]:
    return {
        "event_id": row["event_id"],
        "event": row["event"],
        "occurred_at": rfc3339(row["occurred_at_ms"]),
        "judged_at": rfc3339(row["started_at_ms"]),
        "workflows": [],
    }


def _judgement(row: Any) -> dict[str, Any]:
    skipped = row["status"] == "skipped"
    return {
        "workflow_id": row["workflow_id"],
        "workflow_name": row["workflow_name"],
        "version": row["version"],
        "run_id": str(row["run_id"]),
        "status": row["status"],
        "reason": row["reason"] if skipped else None,
        "detail": row["detail"],
        "sentence": verdicts.sentence(row["verdict"]),
        "failing": verdicts.failing_leaves(row["verdict"]) if skipped else [],
        "retry_of": None if row["retry_of"] is None else str(row["retry_of"]),
    }
