"""`GET …/non-runs`: the retained events of a record against what the workflows were when they came, streamed.

Read from Kafka on demand, outside any group, within a bound of events and of time; the last line says how
much was looked at and whether that was all.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.reading.run_query import Module, time_ms
from run_ledger.domain.non_runs import Published, WorkflowHistory, history_of, non_runs
from run_ledger.domain.views import rfc3339
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.definitions import document as definitions
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent, WorkflowState, WorkflowVersion
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Viewer
from signalbox_runtime.kafka.broker import Kafka, PartitionReader
from signalbox_runtime.records import Inbound, TopicPartition

router = APIRouter(tags=["insight"])
EVENTS_MAX: Final = 200_000
SECONDS_MAX: Final = 60.0
DAY_MS: Final = 86_400_000
_READ_RECORDS: Final = 2_000
_READ_SECONDS: Final = 0.3
NDJSON: Final = "application/x-ndjson"


@router.get(
    "/v1/records/{module}/{record_id:path}/non-runs",
    summary="Why workflows made no run of the record's events, one JSON object a line, streamed",
    description="At most 200,000 events of the module, for at most a minute; the last line has `scanned` and "
    "`complete`.",
    response_class=StreamingResponse,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}}},
)
async def list_non_runs(
    request: Request,
    caller: Viewer,
    module: Module,
    record_id: str,
    from_: Annotated[datetime | None, Query(alias="from", description="Default: a day before `to`")] = None,
    to: Annotated[datetime | None, Query(description="Default: now")] = None,
) -> StreamingResponse:
    clock: Clock = request.app.state.clock
    to_ms = time_ms(to) or clock.now_ms()
    begin = time_ms(from_)
    search = _Search(
        request.app.state.kafka,
        request.app.state.engine,
        caller.tenant_id,
        module,
        record_id,
        to_ms - DAY_MS if begin is None else begin,
        to_ms,
    )
    return StreamingResponse(search.lines(clock), media_type=NDJSON)


class _Search:
    def __init__(
        self,
        kafka: Kafka,
        engine: AsyncEngine,
        tenant_id: str,
        module: str,
        record_id: str,
        from_ms: int,
        to_ms: int,
    ) -> None:
        self._kafka = kafka
        self._engine = engine
        self._tenant_id = tenant_id
        self._topic = topics.crm_topic(module)
        self._key = ids.lane(tenant_id, module, record_id)
        self._record = {"module": module, "record_id": record_id}
        self._from_ms, self._to_ms = max(0, from_ms), max(0, to_ms)  # Kafka knows no time before 1970

    async def lines(self, clock: Clock) -> AsyncIterator[bytes]:
        give_up_at = clock.monotonic_seconds() + SECONDS_MAX
        histories = await asyncio.to_thread(self._histories)
        reader, ends = await asyncio.to_thread(self._open)
        scanned = 0
        try:
            while scanned < EVENTS_MAX and clock.monotonic_seconds() < give_up_at:
                records = await asyncio.to_thread(reader.read, _READ_RECORDS, _READ_SECONDS)
                scanned += len(records)
                for record in records:
                    if record.key == self._key and self._from_ms <= record.timestamp_ms < self._to_ms:
                        yield await self._line(record, histories)
                if all(reader.position(place) >= end for place, end in ends.items()):
                    yield _encoded({"scanned": scanned, "complete": True})
                    return
            yield _encoded({"scanned": scanned, "complete": False})
        finally:
            await asyncio.to_thread(reader.close)

    def _open(self) -> tuple[PartitionReader, dict[TopicPartition, int]]:
        offsets = self._kafka.offsets()
        places = offsets.partitions([self._topic])
        begins = offsets.offsets_at(places, self._from_ms)
        ends = offsets.offsets_at(places, self._to_ms)
        return self._kafka.reader(begins), ends

    def _histories(self) -> list[WorkflowHistory]:
        """The tenant's workflows, from the whole definitions topic."""
        versions: dict[str, list[Published]] = {}
        states: dict[str, list[WorkflowState]] = {}
        offsets = self._kafka.offsets()
        places = offsets.partitions([topics.DEFINITIONS])
        ends = offsets.end_offsets(places)
        reader = self._kafka.reader(offsets.begin_offsets(places))
        try:
            while any(reader.position(place) < end for place, end in ends.items()):
                for record in reader.read(_READ_RECORDS, _READ_SECONDS):
                    self._learn(record, versions, states)
        finally:
            reader.close()
        return [
            history_of(versions[workflow_id], states.get(workflow_id, []), self._tenant_id, workflow_id)
            for workflow_id in versions
        ]

    def _learn(
        self,
        record: Inbound,
        versions: dict[str, list[Published]],
        states: dict[str, list[WorkflowState]],
    ) -> None:
        message = codec.decode_any(record.value) if record.value is not None else None
        match message:
            case WorkflowVersion(tenant_id=self._tenant_id):
                definition = definitions.from_bytes(message.definition)
                published = Published(message.version, message.published_at_ms, definition)
                versions.setdefault(message.workflow_id, []).append(published)
            case WorkflowState(tenant_id=self._tenant_id):
                states.setdefault(message.workflow_id, []).append(message)
            case _:
                pass  # a tombstone, or another tenant's

    async def _line(self, record: Inbound, histories: list[WorkflowHistory]) -> bytes:
        try:
            event: CrmEvent = read_event(record.topic, record.key, record.value, record.headers)
        except InvalidEvent as error:
            return _encoded({"place": record.place, "dead_letter": str(error)})
        judged = await self._judged(event.event_id)
        return _encoded(
            {
                "event_id": event.event_id,
                "event": event.event,
                "occurred_at": rfc3339(event.occurred_at_ms),
                "judged_by": len(judged),
                "workflows": non_runs(event, record.timestamp_ms, histories, judged),
            }
        )

    async def _judged(self, event_id: str) -> frozenset[str]:
        values = {"tenant_id": self._tenant_id, "event_id": event_id, **self._record}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_JUDGED, values)).scalars().all()
        return frozenset(rows)


def _encoded(line: object) -> bytes:
    return msgspec.json.encode(line) + b"\n"


_JUDGED: Final = text(
    """SELECT workflow_id FROM history.runs WHERE tenant_id = :tenant_id AND event_id = :event_id
        AND module = :module AND record_id = :record_id AND workflow_id IS NOT NULL
    UNION
    SELECT workflow_id FROM history.skipped_runs WHERE tenant_id = :tenant_id AND event_id = :event_id
        AND module = :module AND record_id = :record_id"""
)
