"""Commands that the CRM did not answer in time, and canceled runs that wait for a person.

Past its deadline a run moves on only by us, and only once everybody has read past it (`adapters.read_past`):
else an answer that was in time could move the run too, and it would have two tokens.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.reading.read_past import ReadPast
from run_ledger.adapters.reading.runs_reader import RunsReader
from run_ledger.adapters.requests.requests import Requests
from run_ledger.domain.records import RunRecord
from signalbox_contracts import codec
from signalbox_contracts.messages import ActionRequested
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.problems import Problem
from signalbox_runtime.loops.cancellations import Cancellations

WATCH_SECONDS: Final = 2.0
BATCH_RUNS: Final = 500
BY_DEADLINE: Final = "deadline"
FIRST_ID: Final = UUID(int=0)
log = structlog.get_logger()


async def watch(
    engine: AsyncEngine,
    requests: Requests,
    everybody: ReadPast,
    cancellations: Cancellations,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Moves runs past their deadline that are to be resent or canceled; ends canceled ones with a person."""
    reader = RunsReader(engine)
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), WATCH_SECONDS)
        except TimeoutError:
            try:
                await end_canceled(engine, reader, requests, cancellations)
                await move_overdue(engine, reader, requests, everybody, cancellations, clock)
            except (DBAPIError, PoolTimeout) as error:
                log.warning("overdue runs wait", reason=str(error))


async def end_canceled(
    engine: AsyncEngine, reader: RunsReader, requests: Requests, cancellations: Cancellations
) -> int:
    """Ends canceled runs that wait for a person; how many.

    They were canceled with all of their workflow, or came to wait just when they were canceled. Their holder
    is done with them, so nobody else would.
    """
    workflows = cancellations.workflows()
    values = {
        "limit": BATCH_RUNS,
        "tenant_ids": [each.tenant_id for each in workflows],
        "workflow_ids": [each.workflow_id for each in workflows],
        "befores_ms": [each.before_ms for each in workflows],
        "canceled_by": [each.requested_by for each in workflows],
    }
    async with engine.connect() as connection:
        held = (await connection.execute(_CANCELED_AND_HELD, values)).all()
    ended = 0
    for row in held:
        run = await reader.run(row.tenant_id, row.run_id)
        if run is not None and run.seq == row.seq:
            ended += await _resolved(requests, run, "cancel", row.canceled_by)
    return ended


async def move_overdue(
    engine: AsyncEngine,
    reader: RunsReader,
    requests: Requests,
    everybody: ReadPast,
    cancellations: Cancellations,
    clock: Clock,
) -> int:
    """One round; how many runs were moved."""
    moved, after, now_ms = 0, (0, FIRST_ID), clock.now_ms()
    while True:
        async with engine.connect() as connection:
            values = {"now_ms": now_ms, "limit": BATCH_RUNS, "after_ms": after[0], "after_id": after[1]}
            overdue = (await connection.execute(_OVERDUE, values)).all()
        if not overdue or not await everybody.read_past(overdue[-1].deadline_ms):
            return moved
        after = (overdue[-1].deadline_ms, UUID(overdue[-1].run_id))
        moved += await _move(overdue, reader, requests, cancellations)


async def _move(
    overdue: Sequence[Any], reader: RunsReader, requests: Requests, cancellations: Cancellations
) -> int:
    moved = 0
    for row in overdue:
        action = codec.decode(bytes(row.token), ActionRequested).actions[0]
        run = await reader.run(row.tenant_id, row.run_id)
        if run is None or run.seq != row.seq:
            continue
        canceled_by = row.canceled_by or cancellations.canceled_by(
            run.tenant_id, run.run_id, run.workflow_id, run.started_at_ms
        )
        if canceled_by is not None:
            moved += await _resolved(requests, run, "cancel", canceled_by)
        elif action.on_unknown == "resend":
            moved += await _resolved(requests, run, "resend", BY_DEADLINE)
    return moved


async def _resolved(
    requests: Requests, run: RunRecord, resolution: Literal["cancel", "resend"], by: str
) -> bool:
    try:
        await requests.resolve(run, resolution, by)
    except Problem as problem:
        log.warning("run not moved", run=run.run_id, reason=problem.detail)
        return False
    return True


_CANCELED_AND_HELD: Final = text(
    """SELECT r.tenant_id, r.run_id::text AS run_id, r.seq,
        coalesce(c.requested_by, w.requested_by) AS canceled_by
    FROM history.runs r
    LEFT JOIN ledger.cancels c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
    LEFT JOIN unnest(CAST(:tenant_ids AS text[]), CAST(:workflow_ids AS text[]),
                     CAST(:befores_ms AS bigint[]), CAST(:canceled_by AS text[]))
            AS w (tenant_id, workflow_id, before_ms, requested_by)
        ON w.tenant_id = r.tenant_id AND w.workflow_id = r.workflow_id AND r.started_at_ms <= w.before_ms
    WHERE r.status = 'waiting' AND r.deadline_ms IS NULL AND r.waiting_for = 'person'
      AND coalesce(c.requested_by, w.requested_by) IS NOT NULL
      AND NOT EXISTS (SELECT FROM ledger.resolutions s
                      WHERE s.tenant_id = r.tenant_id AND s.run_id = r.run_id AND s.seq = r.seq)
    LIMIT :limit"""
)


# A resent command has a new deadline, so what is found here is settled once and not found again.
_OVERDUE: Final = text(
    """SELECT r.tenant_id, r.run_id::text AS run_id, r.seq, r.deadline_ms, p.token,
        c.requested_by AS canceled_by
    FROM history.runs r
    JOIN history.payloads p ON p.tenant_id = r.tenant_id AND p.run_id = r.run_id AND p.token_seq = r.seq
    LEFT JOIN ledger.cancels c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
    WHERE r.status = 'waiting' AND r.waiting_for = 'crm' AND r.deadline_ms < :now_ms AND p.token IS NOT NULL
      AND NOT EXISTS (SELECT FROM ledger.resolutions s
                      WHERE s.tenant_id = r.tenant_id AND s.run_id = r.run_id AND s.seq = r.seq)
      AND (r.deadline_ms, r.run_id) > (:after_ms, :after_id)
    ORDER BY r.deadline_ms, r.run_id LIMIT :limit"""
)
