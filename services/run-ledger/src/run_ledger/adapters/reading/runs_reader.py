# ruff: noqa: S608 — the statements are put together from constants here; values are always bound
"""Runs out of the history, for one tenant: lists with filters, and one with all that belongs to it."""

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.reading.one_run import (
    CANCEL_ASKED,
    RUN,
    SKIPPED,
    RunStory,
    attempts_of,
    event_body,
    find_run,
    key_of,
    story_of,
)
from run_ledger.domain.records import AttemptRecord, RunRecord
from signalbox_contracts import codec
from signalbox_contracts.messages import CrmEvent

STATUSES: Final = ("running", "waiting", "success", "failed", "skipped", "canceling", "canceled")
STORED_STATUSES: Final = ("running", "waiting", "success", "failed", "canceled")
COUNTED_MAX: Final = 10_000
"""Of each status: whoever looks at a list wants to know whether it is few or many."""
UNASKED: Final = ("running", "waiting", "success", "failed", "canceling", "canceled")
"""What a list holds when no status is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs; what is None does not narrow. Filters combine."""

    workflow_id: str | None = None
    version: int | None = None
    statuses: tuple[str, ...] = UNASKED
    module: str | None = None
    record_id: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    error_text: str | None = None


class RunsReader:
    """Reads through an engine's pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(
        self, tenant_id: str, wanted: RunFilter, limit: int, after: tuple[int, str] | None
    ) -> list[RunRecord]:
        """At most `limit` runs, newest first, older than `after` (start and id of the run before)."""
        values: dict[str, Any] = {"tenant_id": tenant_id, "limit": limit}
        shared = _shared_clauses(wanted, after, values)
        parts = []
        statuses = [status for status in wanted.statuses if status != "skipped"]
        if statuses:
            clauses = [*shared, *_status_clauses(statuses, values), *_error_clauses(wanted, values)]
            parts.append(
                f"SELECT {RUN}, r.outline, r.kept FROM history.runs r WHERE {' AND '.join(clauses)} {_NEWEST}"
            )
        if "skipped" in wanted.statuses and wanted.error_text is None:
            parts.append(
                f"SELECT {SKIPPED}, NULL::bytea AS outline, NULL::bytea AS kept FROM history.skipped_runs r"
                f" WHERE {' AND '.join(shared)} {_NEWEST}"
            )
        if not parts:
            return []
        query = parts[0] if len(parts) == 1 else f"({parts[0]}) UNION ALL ({parts[1]}) {_NEWEST_OF_BOTH}"
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), values)).mappings().all()
        return [RunRecord(**row) for row in rows]

    async def counts(self, tenant_id: str, wanted: RunFilter) -> dict[str, int]:
        """How many runs match by status, whatever statuses are asked for; each counted to COUNTED_MAX."""
        values: dict[str, Any] = {"tenant_id": tenant_id}
        shared = " AND ".join(_shared_clauses(wanted, None, values))
        errors = "".join(f" AND {clause}" for clause in _error_clauses(wanted, values))
        parts = [
            f"SELECT '{status}' AS status, count(*) AS runs FROM (SELECT FROM history.runs r"
            f" WHERE {shared}{errors} AND r.status = '{status}' LIMIT {COUNTED_MAX}) n"
            for status in STORED_STATUSES
        ]
        if wanted.error_text is None:
            parts.append(
                "SELECT 'skipped', count(*) FROM (SELECT FROM history.skipped_runs r"
                f" WHERE {shared} LIMIT {COUNTED_MAX}) n"
            )
        async with self._engine.connect() as connection:
            rows = await connection.execute(text(" UNION ALL ".join(parts)), values)
            return {"skipped": 0, **{row[0]: row[1] for row in rows}}

    async def some(self, tenant_id: str, run_ids: list[str]) -> list[RunRecord]:
        """The started runs among these ids."""
        query = f"""SELECT {RUN}, r.outline, r.kept FROM history.runs r
            WHERE r.tenant_id = :tenant_id AND r.run_id = ANY(:run_ids) AND r.workflow_id IS NOT NULL"""
        values = {"tenant_id": tenant_id, "run_ids": [UUID(run_id) for run_id in run_ids]}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), values)).mappings().all()
        return [RunRecord(**row) for row in rows]

    async def run(self, tenant_id: str, run_id: str) -> RunRecord | None:
        """The run of that id; None if there is none or it is another tenant's."""
        async with self._engine.connect() as connection:
            return await find_run(connection, tenant_id, run_id)

    async def story(self, tenant_id: str, run_id: str) -> RunStory | None:
        """The run with all that belongs to it; None as for `run`."""
        async with self._engine.connect() as connection:
            run = await find_run(connection, tenant_id, run_id)
            return None if run is None else await story_of(connection, run)

    async def attempts(self, run: RunRecord) -> list[AttemptRecord]:
        """Every try of the run's actions."""
        async with self._engine.connect() as connection:
            return await attempts_of(connection, run)

    async def event(self, run: RunRecord) -> CrmEvent | None:
        """The event that started it; None once its payload is dropped or erased."""
        async with self._engine.connect() as connection:
            body = await event_body(connection, run)
        return None if body is None else codec.decode(body, CrmEvent)

    async def record(self, run: RunRecord) -> bytes | None:
        """The record as the run's CRM actions left it, JSON; None where none changed it."""
        query = "SELECT record FROM history.payloads WHERE tenant_id = :tenant_id AND run_id = :run_id"
        async with self._engine.connect() as connection:
            return (await connection.execute(text(query), key_of(run))).scalar_one_or_none()


_NEWEST: Final = "ORDER BY r.started_at_ms DESC, r.run_id DESC LIMIT :limit"
_NEWEST_OF_BOTH: Final = "ORDER BY started_at_ms DESC, run_id DESC LIMIT :limit"


def _shared_clauses(wanted: RunFilter, after: tuple[int, str] | None, values: dict[str, Any]) -> list[str]:
    clauses = ["r.tenant_id = :tenant_id", "r.workflow_id IS NOT NULL"]
    for name, clause, value in (
        ("workflow_id", "r.workflow_id = :workflow_id", wanted.workflow_id),
        ("version", "r.version = :version", wanted.version),
        ("module", "r.module = :module", wanted.module),
        ("record_id", "r.record_id = :record_id", wanted.record_id),
        ("from_ms", "r.started_at_ms >= :from_ms", wanted.from_ms),
        ("to_ms", "r.started_at_ms < :to_ms", wanted.to_ms),
    ):
        if value is not None:
            clauses.append(clause)
            values[name] = value
    if after is not None:
        clauses.append("(r.started_at_ms, r.run_id) < (:after_ms, :after_id)")
        values["after_ms"], values["after_id"] = after[0], UUID(after[1])
    return clauses


def run_clauses(wanted: RunFilter, values: dict[str, Any]) -> list[str]:
    """The filter over `history.runs r` without its statuses, its values put into `values`."""
    return [*_shared_clauses(wanted, None, values), *_error_clauses(wanted, values)]


def _error_clauses(wanted: RunFilter, values: dict[str, Any]) -> list[str]:
    if wanted.error_text is None:
        return []
    escaped = re.sub(r"([\\%_])", r"\\\1", wanted.error_text)
    values["error_pattern"] = f"%{escaped}%"
    # Both sides by PostgreSQL: what a capital letter is depends on its locale.
    return ["lower(r.error_detail) LIKE lower(:error_pattern)"]


def _status_clauses(statuses: list[str], values: dict[str, Any]) -> list[str]:
    clauses = []
    if set(statuses) != set(UNASKED):
        alternatives = []
        if ended := [status for status in statuses if status in ("success", "failed", "canceled")]:
            alternatives.append("r.status = ANY(:ended)")
            values["ended"] = ended
        if in_flight := [status for status in statuses if status in ("running", "waiting")]:
            alternatives.append(f"(r.status = ANY(:in_flight) AND NOT {CANCEL_ASKED})")
            values["in_flight"] = in_flight
        if "canceling" in statuses:
            alternatives.append(f"(r.status IN ('running', 'waiting') AND {CANCEL_ASKED})")
        clauses.append(f"({' OR '.join(alternatives)})")
    return clauses
