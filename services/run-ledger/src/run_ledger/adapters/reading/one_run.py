# ruff: noqa: S608 — the statements are put together from constants here; values are always bound
"""One run out of the history, with all that belongs to it."""

import re
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from run_ledger.adapters.history.schema import RUN_IDENTITY
from run_ledger.domain.event_key import event_key
from run_ledger.domain.records import AttemptRecord, RunRecord
from run_ledger.domain.views import CausedRun, LateView, rfc3339
from signalbox_contracts import codec
from signalbox_contracts.messages import CrmEvent

_NAMES: Final = tuple(re.findall(r"(\w+) (?:text|integer|bigint)", RUN_IDENTITY))
_IDENTITY: Final = ", ".join(f"r.{name}" for name in _NAMES)
CANCEL_ASKED: Final = (
    "EXISTS (SELECT FROM ledger.cancels c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id)"
)
RUN: Final = f"""r.tenant_id, r.run_id::text AS run_id, {_IDENTITY}, r.retry_of::text AS retry_of,
    r.status, r.moved_at_ms, r.ended_at_ms, r.seq, r.waiting_for, r.deadline_ms, r.reason, NULL AS detail,
    r.action_index, r.action_id, r.attempt, r.error_type, r.error_detail, r.dead_letter,
    r.ended_by, r.redacted,
    {CANCEL_ASKED} AS cancel_requested,
    EXISTS (SELECT FROM ledger.resolutions s
            WHERE s.tenant_id = r.tenant_id AND s.run_id = r.run_id AND s.seq = r.seq) AS settled,
    (SELECT t.new_run_id::text FROM ledger.retries t WHERE t.tenant_id = r.tenant_id AND t.run_id = r.run_id)
        AS retried_by"""
SKIPPED: Final = f"""r.tenant_id, r.run_id::text AS run_id, {_IDENTITY}, r.retry_of::text AS retry_of,
    'skipped' AS status, r.started_at_ms AS moved_at_ms, r.started_at_ms AS ended_at_ms, 1::bigint AS seq,
    NULL AS waiting_for, NULL::bigint AS deadline_ms, r.reason, r.detail,
    NULL::integer AS action_index, NULL AS action_id, NULL::integer AS attempt,
    NULL AS error_type, NULL AS error_detail,
    NULL AS dead_letter, NULL AS ended_by, false AS redacted, false AS cancel_requested,
    false AS settled, NULL AS retried_by"""
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
_OF_RUN: Final = "WHERE r.tenant_id = :tenant_id AND r.run_id = :run_id"
_FOUND: Final = (
    text(f"SELECT {RUN}, r.outline, r.kept FROM history.runs r {_OF_RUN} AND r.workflow_id IS NOT NULL"),
    text(f"SELECT {SKIPPED} FROM history.skipped_runs r {_OF_RUN}"),
    text(f"SELECT {_REQUESTED} WHERE t.tenant_id = :tenant_id AND t.new_run_id = :run_id"),
)
_ATTEMPTS: Final = text(
    f"""SELECT action_index, attempt, seq, action_id, outcome, started_at_ms, finished_at_ms, deadline_ms,
        retry_at_ms, final, error_type, error_detail, effect_key, receipt, warnings
    FROM history.attempts r {_OF_RUN} ORDER BY action_index, attempt"""
)
_EVENT: Final = "SELECT body FROM history.events WHERE tenant_id = :tenant_id AND event_key = :event_key"
_LATE: Final = f"history.late_results r {_OF_RUN}"
CAUSED_WITHIN_MS: Final = 600_000
"""An event that a run caused is judged within this of the run's end, or belongs to a later run."""
_END_OF_TIME_MS: Final = 2**62
_CAUSED: Final = """history.runs WHERE tenant_id = :tenant_id AND chain = :chain AND started_at_ms >= :from_ms
    AND started_at_ms <= :to_ms
    AND ((module = :module AND record_id = :record_id) OR (module = 'tasks' AND record_id = ANY(:tasks)))"""
# Most runs have no late answers and caused nothing: whether there are any is asked with the rest.
_PARTS: Final = text(
    f"""SELECT (SELECT verdict FROM history.verdicts r {_OF_RUN}), ({_EVENT}),
        EXISTS (SELECT FROM {_LATE}), EXISTS (SELECT FROM {_CAUSED})"""
)
_LATE_RESULTS: Final = text(
    f"SELECT at_ms, action_id, command_id, outcome, reason, why FROM {_LATE} ORDER BY at_ms, digest"
)
_CAUSED_RUNS: Final = text(
    f"""SELECT run_id::text, workflow_id, workflow_name, status FROM {_CAUSED}
    ORDER BY started_at_ms, run_id LIMIT 200"""
)


class RunStory(NamedTuple):
    """A run and what belongs to it; `verdict` (JSON) and `event` are None once they are dropped or erased."""

    run: RunRecord
    attempts: list[AttemptRecord]
    verdict: bytes | None
    event: CrmEvent | None
    late: list[LateView]
    caused: list[CausedRun]


async def find_run(connection: AsyncConnection, tenant_id: str, run_id: str) -> RunRecord | None:
    """The run of that id; None if there is none or it is another tenant's."""
    try:
        values = {"tenant_id": tenant_id, "run_id": UUID(run_id)}
    except ValueError:
        return None
    for query in _FOUND:
        row = (await connection.execute(query, values)).mappings().first()
        if row is not None:
            return RunRecord(**row)
    return None


async def story_of(connection: AsyncConnection, run: RunRecord) -> RunStory:
    """All that belongs to the run."""
    attempts = await attempts_of(connection, run)
    values = {**key_of(run), **_event_key(run), **_caused_values(run, attempts)}
    verdict, body, has_late, has_caused = (await connection.execute(_PARTS, values)).one()
    late = (await connection.execute(_LATE_RESULTS, values)).all() if has_late else []
    caused = (await connection.execute(_CAUSED_RUNS, values)).all() if has_caused else []
    return RunStory(
        run,
        attempts,
        verdict,
        codec.decode(body, CrmEvent) if body else None,
        [LateView(rfc3339(row[0]) or "", *row[1:]) for row in late],
        [CausedRun(*row) for row in caused] if run.status != "skipped" else [],
    )


async def attempts_of(connection: AsyncConnection, run: RunRecord) -> list[AttemptRecord]:
    """Every try of the run's actions."""
    rows = (await connection.execute(_ATTEMPTS, key_of(run))).mappings().all()
    return [AttemptRecord(**row) for row in rows]


async def event_body(connection: AsyncConnection, run: RunRecord) -> bytes | None:
    """The event's bytes; None once its payload is dropped or erased."""
    values = {"tenant_id": run.tenant_id, **_event_key(run)}
    return (await connection.execute(text(_EVENT), values)).scalar_one_or_none() or None


def key_of(run: RunRecord) -> dict[str, Any]:
    """What names the run in a statement."""
    return {"tenant_id": run.tenant_id, "run_id": UUID(run.run_id)}


def _event_key(run: RunRecord) -> dict[str, Any]:
    return {"event_key": UUID(event_key(run.run_id, run.tenant_id, run.event_id))}


def _caused_values(run: RunRecord, attempts: list[AttemptRecord]) -> dict[str, Any]:
    """Runs that this run's changes started: its chain plus its workflow, its record or a task of its."""
    return {
        "chain": f"{run.chain},{run.workflow_id}" if run.chain else run.workflow_id,
        "from_ms": run.started_at_ms,
        "to_ms": _END_OF_TIME_MS if run.ended_at_ms is None else run.ended_at_ms + CAUSED_WITHIN_MS,
        "module": run.module,
        "record_id": run.record_id,
        "tasks": _task_ids(attempts),
    }


def _task_ids(attempts: list[AttemptRecord]) -> list[str]:
    """The tasks that the run's actions made, from their receipts."""
    found = []
    for attempt in attempts:
        receipt = msgspec.json.decode(attempt.receipt) if attempt.receipt else None
        if isinstance(receipt, dict) and isinstance(receipt.get("task_id"), str):
            found.append(receipt["task_id"])
    return found
