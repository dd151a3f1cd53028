"""What people ask of runs, each in one database transaction with what it sends: Retry, cancel, resolve.

Whoever is first inserts the row that the request is known by; everybody else meets its primary key, so five
clicks at once lead to one row and one message.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from run_ledger.adapters.history.schema import LEDGER
from run_ledger.adapters.reading.one_run import event_body
from run_ledger.adapters.reading.runs_reader import RunsReader
from run_ledger.domain import retry
from run_ledger.domain.records import IN_FLIGHT, RunRecord
from run_ledger.domain.resolution import Resolution, Settlement, canceled, moves
from run_ledger.domain.retry import Mode, PastRun
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import (
    ActionRequested,
    Candidate,
    Resume,
    RunCancelRequested,
    RunRedacted,
    RunsRequested,
)
from signalbox_runtime import fault
from signalbox_runtime.clock import Clock
from signalbox_runtime.http import audit
from signalbox_runtime.http.problems import conflict
from signalbox_runtime.outbox.tables import OutboxTables
from signalbox_runtime.records import Outbound

LINE_MAX: Final = 100
"""How many retries of one event are looked back along: far more than a person makes."""


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """How a run is to be repeated."""

    mode: Mode
    repeat_completed: bool
    by: str


class Requests:
    """Writes through an engine's pool; reads through `reader`."""

    def __init__(self, engine: AsyncEngine, reader: RunsReader, clock: Clock) -> None:
        self._engine = engine
        self._reader = reader
        self._clock = clock
        self._outbox = OutboxTables(LEDGER)

    # --- Retry ---------------------------------------------------------------------------------------

    async def retry(self, run: RunRecord, asked: RetryAsked) -> str:
        """The id of the run that repeats `run`, asked for now or before. Raises Problem 409."""
        if run.retried_by is not None:
            return run.retried_by
        if run.status != "failed":
            raise conflict("not-failed", f"Only a failed run can be retried; this one is {run.status}.")
        line = await self.line(run)
        now_ms = self._clock.now_ms()
        number = run.retry_number + 1
        new_run_id = ids.run_id(now_ms, run.tenant_id, run.event_id, run.workflow_id, number)
        planned = retry.plan(line, asked.mode, repeat_completed=asked.repeat_completed)
        async with self._engine.begin() as connection:
            body = await event_body(connection, run)
            if body is None:
                raise payload_expired("The event that started the run")
            values = {
                **_key(run),
                "new_run_id": UUID(new_run_id),
                "mode": asked.mode,
                "repeat_completed": asked.repeat_completed,
                "retry_number": number,
                "key_generations": msgspec.json.encode(planned.key_generations).decode(),
                "requested_by": asked.by,
                "requested_at_ms": now_ms,
            }
            if (await connection.execute(_INSERT_RETRY, values)).first() is None:
                found = await connection.execute(_SELECT_RETRY, _key(run))
                return str(found.scalar_one())
            await self._note(
                connection, run, "run.retry", asked.by, after={"run": new_run_id, "mode": asked.mode}
            )
            message = _runs_requested(run, body, new_run_id, number, asked, planned, now_ms)
            await self._outbox.insert_rows(
                connection, [Outbound(topics.RUNS_REQUESTED, _lane(run), codec.encode(message))]
            )
        fault.at("api.after_database_commit")
        return new_run_id

    async def line(self, run: RunRecord) -> list[PastRun]:
        """The run and those that it repeats, newest first, with their attempts."""
        line: list[PastRun] = []
        following: RunRecord | None = run
        while following is not None and len(line) < LINE_MAX:
            attempts = await self._reader.attempts(following)
            line.append(PastRun(following, tuple(attempts), await self._reader.record(following)))
            earlier = following.retry_of
            following = None if earlier is None else await self._reader.run(run.tenant_id, earlier)
        return line

    # --- cancel and resolve --------------------------------------------------------------------------

    async def cancel(self, run: RunRecord, by: str) -> None:
        """Asks the run's holder to end it; one that rests with us ends at once. Raises Problem 409."""
        if run.status not in IN_FLIGHT:
            raise conflict(
                "not-in-flight", f"Only a run in flight can be canceled; this one is {run.status}."
            )
        now_ms = self._clock.now_ms()
        async with self._engine.begin() as connection:
            values = {**_key(run), "requested_by": by, "requested_at_ms": now_ms}
            if (await connection.execute(_INSERT_CANCEL, values)).first() is None:
                return
            await self._note(connection, run, "run.cancel", by)
            request = RunCancelRequested(
                tenant_id=run.tenant_id, run_id=run.run_id, requested_at_ms=now_ms, requested_by=by
            )
            key = f"{run.tenant_id}/{run.run_id}".encode()
            records = [Outbound(topics.RUNS_CONTROL, key, codec.encode(request))]
            if run.waiting_for == "person":
                records += await self._settling(connection, run, "cancel", by)
            await self._outbox.insert_rows(connection, records)
        fault.at("api.after_database_commit")

    async def resolve(self, run: RunRecord, resolution: Resolution | Literal["cancel"], by: str) -> None:
        """Settles the wait that `run` is in, once. Raises Problem 409 if it was settled otherwise before."""
        async with self._engine.begin() as connection:
            records = await self._settling(connection, run, resolution, by)
            if not records:
                found = (await connection.execute(_SELECT_RESOLUTION, _settled_key(run))).scalar_one()
                if found != resolution:
                    raise conflict("already-resolved", f"Somebody settled it as {found!r} before.")
                return
            await self._note(connection, run, "run.resolve", by, after={"resolution": resolution})
            await self._outbox.insert_rows(connection, records)
        fault.at("api.after_database_commit")

    async def erase(self, tenant_id: str, module: str, record_id: str, by: str, at_ms: int) -> None:
        """Has the content of a record's runs erased, those that began up to `at_ms`."""
        fact = RunRedacted(
            tenant_id=tenant_id, module=module, record_id=record_id, at_ms=at_ms, requested_by=by
        )
        async with self._engine.begin() as connection:
            await audit.note(
                connection,
                tenant_id=tenant_id,
                at=datetime.fromtimestamp(at_ms / 1000, UTC),
                actor=by,
                action="record.erase",
                object_type="record",
                object_id=f"{module}/{record_id}",
            )
            record = Outbound(topics.RUNS_JOURNAL, ids.lane(tenant_id, module, record_id), codec.encode(fact))
            await self._outbox.insert_rows(connection, [record])
        fault.at("api.after_database_commit")

    async def _settling(
        self, connection: AsyncConnection, run: RunRecord, resolution: Resolution | Literal["cancel"], by: str
    ) -> list[Outbound]:
        """What settling the run's wait sends; empty if somebody was first."""
        now_ms = self._clock.now_ms()
        values = {
            **_settled_key(run),
            "action_index": run.action_index,
            "resolution": resolution,
            "requested_by": by,
            "requested_at_ms": now_ms,
        }
        if (await connection.execute(_INSERT_RESOLUTION, values)).first() is None:
            return []
        if resolution == "cancel":
            moved = [canceled(run, by, now_ms)]
        else:
            settlement = Settlement(resolution, by, now_ms, run.attempt or 1, run.moved_at_ms)
            moved = moves(await _token(connection, run), settlement)
        return [Outbound(each.topic, _lane(run), codec.encode(each.message)) for each in moved]

    async def _note(
        self, connection: AsyncConnection, run: RunRecord, action: str, by: str, after: Any = None
    ) -> None:
        await audit.note(
            connection,
            tenant_id=run.tenant_id,
            at=datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC),
            actor=by,
            action=action,
            object_type="run",
            object_id=run.run_id,
            before={"status": run.status},
            after=after,
        )


def payload_expired(what: str) -> Exception:
    """409: the content that would be needed is not kept any more."""
    return conflict("payload-expired", f"{what} is not kept any more, or was erased.")


async def _token(connection: AsyncConnection, run: RunRecord) -> ActionRequested:
    stored = (await connection.execute(_SELECT_TOKEN, _settled_key(run))).scalar_one_or_none()
    if not stored:
        raise payload_expired("What the run needs to go on")
    return codec.decode(bytes(stored), ActionRequested)


def _runs_requested(
    run: RunRecord,
    body: bytes,
    new_run_id: str,
    number: int,
    asked: RetryAsked,
    planned: retry.RetryPlan,
    now_ms: int,
) -> RunsRequested:
    version = run.version if asked.mode == "pinned" else 0
    return RunsRequested(
        tenant_id=run.tenant_id,
        event=body,
        appended_at_ms=ids.run_id_time_ms(run.run_id),
        candidates=(Candidate(workflow_id=run.workflow_id, version=version, run_id=new_run_id),),
        resume=Resume(
            retry_of=run.run_id,
            retry_number=number,
            mode=asked.mode,
            requested_by=asked.by,
            requested_at_ms=now_ms,
            completed=planned.completed,
            record=planned.record,
            key_generations=planned.key_generations,
        ),
    )


def _lane(run: RunRecord) -> bytes:
    return ids.lane(run.tenant_id, run.module, run.record_id)


def _key(run: RunRecord) -> dict[str, Any]:
    return {"tenant_id": run.tenant_id, "run_id": UUID(run.run_id)}


def _settled_key(run: RunRecord) -> dict[str, Any]:
    return {**_key(run), "seq": run.seq}


_INSERT_RETRY: Final = text(
    """INSERT INTO ledger.retries (tenant_id, run_id, new_run_id, mode, repeat_completed, retry_number,
        key_generations, requested_by, requested_at_ms)
    VALUES (:tenant_id, :run_id, :new_run_id, :mode, :repeat_completed, :retry_number,
        CAST(:key_generations AS jsonb), :requested_by, :requested_at_ms)
    ON CONFLICT (tenant_id, run_id) DO NOTHING RETURNING 1"""
)
_SELECT_RETRY: Final = text(
    "SELECT new_run_id::text FROM ledger.retries WHERE tenant_id = :tenant_id AND run_id = :run_id"
)
_INSERT_CANCEL: Final = text(
    """INSERT INTO ledger.cancels (tenant_id, run_id, requested_by, requested_at_ms)
    VALUES (:tenant_id, :run_id, :requested_by, :requested_at_ms)
    ON CONFLICT (tenant_id, run_id) DO NOTHING RETURNING 1"""
)
_INSERT_RESOLUTION: Final = text(
    """INSERT INTO ledger.resolutions (tenant_id, run_id, seq, action_index, resolution, requested_by,
        requested_at_ms)
    VALUES (:tenant_id, :run_id, :seq, :action_index, :resolution, :requested_by, :requested_at_ms)
    ON CONFLICT (tenant_id, run_id, seq) DO NOTHING RETURNING 1"""
)
_SELECT_RESOLUTION: Final = text(
    """SELECT resolution FROM ledger.resolutions
    WHERE tenant_id = :tenant_id AND run_id = :run_id AND seq = :seq"""
)
_SELECT_TOKEN: Final = text(
    """SELECT token FROM history.payloads
    WHERE tenant_id = :tenant_id AND run_id = :run_id AND token_seq = :seq"""
)
