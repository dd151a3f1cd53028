# ruff: noqa: S608 — the statements are put together from constants here; values are always bound
"""Runs out of the history, for one tenant: lists with filters, and one with all that belongs to it."""

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from run_ledger.adapters.schema import RUN_IDENTITY
from run_ledger.domain.event_key import event_key
from run_ledger.domain.story import AttemptRecord, CausedRun, LateView, RunRecord, rfc3339
from signalbox_contracts import codec
from signalbox_contracts.messages import CrmEvent

STATUSES: Final = ("running", "waiting", "success", "failed", "skipped", "canceling", "canceled")
UNASKED: Final = ("running", "waiting", "success", "failed", "canceling", "canceled")
"""What a list holds when no status is asked for."""

_NAMES: Final = tuple(re.findall(r"(\w+) (?:text|integer|bigint)", RUN_IDENTITY))
_IDENTITY: Final = ", ".join(f"r.{name}" for name in _NAMES)
_CANCEL_ASKED: Final = (
    "EXISTS (SELECT FROM ledger.cancels c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id)"
)
_RUN: Final = f"""r.tenant_id, r.run_id::text AS run_id, {_IDENTITY}, r.retry_of::text AS retry_of,
    r.status, r.moved_at_ms, r.ended_at_ms, r.seq, r.waiting_for, r.deadline_ms, r.reason, NULL AS detail,
    r.action_index, r.action_id, r.attempt, r.error_type, r.error_detail, r.dead_letter,
    r.ended_by, r.redacted,
    {_CANCEL_ASKED} AS cancel_requested,
    EXISTS (SELECT FROM ledger.resolutions s
            WHERE s.tenant_id = r.tenant_id AND s.run_id = r.run_id AND s.seq = r.seq) AS settled,
    (SELECT t.new_run_id::text FROM ledger.retries t WHERE t.tenant_id = r.tenant_id AND t.run_id = r.run_id)
        AS retried_by"""
_SKIPPED: Final = f"""r.tenant_id, r.run_id::text AS run_id, {_IDENTITY}, r.retry_of::text AS retry_of,
    'skipped' AS status, r.started_at_ms AS moved_at_ms, r.started_at_ms AS ended_at_ms, 1::bigint AS seq,
    NULL AS waiting_for, NULL::bigint AS deadline_ms, r.reason, r.detail,
    NULL::integer AS action_index, NULL AS action_id, NULL::integer AS attempt,
    NULL AS error_type, NULL AS error_detail,
    NULL AS dead_letter, NULL AS ended_by, false AS redacted, false AS cancel_requested,
    false AS settled, NULL AS retried_by"""


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
            parts.append(f"SELECT {_RUN} FROM history.runs r WHERE {' AND '.join(clauses)} {_NEWEST}")
        if "skipped" in wanted.statuses and wanted.error_text is None:
            parts.append(
                f"SELECT {_SKIPPED} FROM history.skipped_runs r WHERE {' AND '.join(shared)} {_NEWEST}"
            )
        if not parts:
            return []
        query = parts[0] if len(parts) == 1 else f"({parts[0]}) UNION ALL ({parts[1]}) {_NEWEST_OF_BOTH}"
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), values)).mappings().all()
        return [RunRecord(**row) for row in rows]

    async def some(self, tenant_id: str, run_ids: list[str]) -> list[RunRecord]:
        """The started runs among these ids."""
        query = f"""SELECT {_RUN} FROM history.runs r
            WHERE r.tenant_id = :tenant_id AND r.run_id = ANY(:run_ids) AND r.workflow_id IS NOT NULL"""
        values = {"tenant_id": tenant_id, "run_ids": [UUID(run_id) for run_id in run_ids]}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), values)).mappings().all()
        return [RunRecord(**row) for row in rows]

    async def run(self, tenant_id: str, run_id: str) -> RunRecord | None:
        """The run of that id; None if there is none or it is another tenant's."""
        try:
            values = {"tenant_id": tenant_id, "run_id": UUID(run_id)}
        except ValueError:
            return None
        where = "WHERE r.tenant_id = :tenant_id AND r.run_id = :run_id"
        async with self._engine.connect() as connection:
            for query in (
                f"SELECT {_RUN}, r.outline, r.kept FROM history.runs r {where} AND r.workflow_id IS NOT NULL",
                f"SELECT {_SKIPPED} FROM history.skipped_runs r {where}",
                f"SELECT {_REQUESTED} WHERE t.tenant_id = :tenant_id AND t.new_run_id = :run_id",
            ):
                row = (await connection.execute(text(query), values)).mappings().first()
                if row is not None:
                    return RunRecord(**row)
        return None

    async def attempts(self, run: RunRecord) -> list[AttemptRecord]:
        """Every try of the run's actions."""
        query = """SELECT action_index, attempt, seq, action_id, outcome, started_at_ms, finished_at_ms,
            deadline_ms, retry_at_ms, final, error_type, error_detail, effect_key, receipt, warnings
            FROM history.attempts WHERE tenant_id = :tenant_id AND run_id = :run_id
            ORDER BY action_index, attempt"""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), _key(run))).mappings().all()
        return [AttemptRecord(**row) for row in rows]

    async def event(self, run: RunRecord) -> CrmEvent | None:
        """The event that started it; None once its payload is dropped or erased."""
        async with self._engine.connect() as connection:
            body = await event_body(connection, run)
        return None if body is None else codec.decode(body, CrmEvent)

    async def record(self, run: RunRecord) -> bytes | None:
        """The record as the run's CRM actions left it, JSON; None where none changed it."""
        query = "SELECT record FROM history.payloads WHERE tenant_id = :tenant_id AND run_id = :run_id"
        async with self._engine.connect() as connection:
            return (await connection.execute(text(query), _key(run))).scalar_one_or_none()

    async def verdict(self, run: RunRecord) -> bytes | None:
        """The verdict as JSON."""
        query = "SELECT verdict FROM history.verdicts WHERE tenant_id = :tenant_id AND run_id = :run_id"
        async with self._engine.connect() as connection:
            return (await connection.execute(text(query), _key(run))).scalar_one_or_none()

    async def late(self, run: RunRecord) -> list[LateView]:
        """Answers of the CRM that moved nothing."""
        query = """SELECT at_ms, action_id, command_id, outcome, reason, why FROM history.late_results
            WHERE tenant_id = :tenant_id AND run_id = :run_id ORDER BY at_ms"""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), _key(run))).all()
        return [LateView(rfc3339(row[0]) or "", *row[1:]) for row in rows]

    async def caused(self, run: RunRecord, task_ids: list[str]) -> list[CausedRun]:
        """Runs that this run's changes started: its chain plus its workflow, its record or a task of its."""
        query = """SELECT run_id::text, workflow_id, workflow_name, status FROM history.runs
            WHERE tenant_id = :tenant_id AND chain = :chain AND started_at_ms >= :from_ms
              AND started_at_ms <= :to_ms
              AND ((module = :module AND record_id = :record_id)
                   OR (module = 'tasks' AND record_id = ANY(:tasks)))
            ORDER BY started_at_ms, run_id LIMIT 200"""
        values = {
            "tenant_id": run.tenant_id,
            "chain": f"{run.chain},{run.workflow_id}" if run.chain else run.workflow_id,
            "from_ms": run.started_at_ms,
            "to_ms": END_OF_TIME_MS if run.ended_at_ms is None else run.ended_at_ms + CAUSED_WITHIN_MS,
            "module": run.module,
            "record_id": run.record_id,
            "tasks": task_ids,
        }
        async with self._engine.connect() as connection:
            rows = (await connection.execute(text(query), values)).all()
        return [CausedRun(*row) for row in rows]


END_OF_TIME_MS: Final = 2**62
CAUSED_WITHIN_MS: Final = 600_000
"""An event that a run caused is judged within this of the run's end, or belongs to a later run."""
_NEWEST: Final = "ORDER BY r.started_at_ms DESC, r.run_id DESC LIMIT :limit"
_NEWEST_OF_BOTH: Final = "ORDER BY started_at_ms DESC, run_id DESC LIMIT :limit"
# A Retry that was asked for and is not judged yet: it is known by its request.
_OF_REQUEST: Final = {
    "retry_number": "t.retry_number",
    "occurred_at_ms": "r.occurred_at_ms",
    "started_at_ms": "t.requested_at_ms AS started_at_ms",
}
_REQUESTED: Final = f"""r.tenant_id, t.new_run_id::text AS run_id,
    {", ".join(_OF_REQUEST.get(name, f"r.{name}") for name in _NAMES)},
    t.run_id::text AS retry_of, 'running' AS status, t.requested_at_ms AS moved_at_ms, 0::bigint AS seq,
    r.outline
    FROM ledger.retries t JOIN history.runs r ON r.tenant_id = t.tenant_id AND r.run_id = t.run_id"""


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
    escaped = re.sub(r"([\\%_])", r"\\\1", wanted.error_text.lower())
    values["error_pattern"] = f"%{escaped}%"
    return ["lower(r.error_detail) LIKE :error_pattern"]


def _status_clauses(statuses: list[str], values: dict[str, Any]) -> list[str]:
    clauses = []
    if set(statuses) != set(UNASKED):
        alternatives = []
        if ended := [status for status in statuses if status in ("success", "failed", "canceled")]:
            alternatives.append("r.status = ANY(:ended)")
            values["ended"] = ended
        if in_flight := [status for status in statuses if status in ("running", "waiting")]:
            alternatives.append(f"(r.status = ANY(:in_flight) AND NOT {_CANCEL_ASKED})")
            values["in_flight"] = in_flight
        if "canceling" in statuses:
            alternatives.append(f"(r.status IN ('running', 'waiting') AND {_CANCEL_ASKED})")
        clauses.append(f"({' OR '.join(alternatives)})")
    return clauses


async def event_body(connection: AsyncConnection, run: RunRecord) -> bytes | None:
    """The event's bytes; None once its payload is dropped or erased."""
    key = event_key(run.run_id, run.tenant_id, run.event_id)
    query = "SELECT body FROM history.events WHERE tenant_id = :tenant_id AND event_key = :event_key"
    values = {"tenant_id": run.tenant_id, "event_key": UUID(key)}
    return (await connection.execute(text(query), values)).scalar_one_or_none() or None


def task_ids(attempts: list[AttemptRecord]) -> list[str]:
    """The tasks that the run's actions made, from their receipts."""
    found = []
    for attempt in attempts:
        receipt = msgspec.json.decode(attempt.receipt) if attempt.receipt else None
        if isinstance(receipt, dict) and isinstance(receipt.get("task_id"), str):
            found.append(receipt["task_id"])
    return found


def _key(run: RunRecord) -> dict[str, Any]:
    return {"tenant_id": run.tenant_id, "run_id": UUID(run.run_id)}
