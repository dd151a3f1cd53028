"""Finds one event on a `crm.*` topic, newest first: by its id, or the last one of a record."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from signalbox_contracts import ids, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent
from signalbox_runtime.kafka.broker import Kafka, OffsetQueries
from signalbox_runtime.records import Inbound, TopicPartition

CHUNK_RECORDS: Final = 500
"""Of each partition at first; what somebody tests on is nearly always new."""
CHUNK_GROWTH: Final = 8
CHUNK_RECORDS_MAX: Final = 20_000
SEARCH_SECONDS: Final = 8.0
"""Longer than a month of a small CRM takes to read; the answer says how far the search came."""


@dataclass(frozen=True, slots=True)
class EventWanted:
    """One of `event_id` and `record_id` is given."""

    tenant_id: str
    module: str
    event_id: str | None = None
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """No such event; `complete` says whether everything that is kept was searched."""

    searched: int
    complete: bool


class EventSearch:
    """Looks for events, with a client for offsets that stays: to connect takes longer than to ask."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    @cached_property
    def _offsets(self) -> OffsetQueries:
        return self._kafka.offsets()

    def find(self, wanted: EventWanted) -> CrmEvent | NotFound:
        """Blocks up to SEARCH_SECONDS; for a thread of its own."""
        partitions = self._offsets.partitions([topics.crm_topic(wanted.module)])
        starts = self._offsets.begin_offsets(partitions)
        ends = dict(self._offsets.end_offsets(partitions))
        give_up_at = time.monotonic() + SEARCH_SECONDS
        searched, records = 0, CHUNK_RECORDS
        while left := [place for place in partitions if ends[place] > starts[place]]:
            if time.monotonic() > give_up_at:
                return NotFound(searched, complete=False)
            chunk = {place: (max(starts[place], ends[place] - records), ends[place]) for place in left}
            found = _read(self._kafka, chunk, wanted)
            if found is not None:
                return found
            searched += sum(end - begin for begin, end in chunk.values())
            ends |= {place: begin for place, (begin, _) in chunk.items()}
            records = min(records * CHUNK_GROWTH, CHUNK_RECORDS_MAX)
        return NotFound(searched, complete=True)


def _read(kafka: Kafka, chunk: dict[TopicPartition, tuple[int, int]], wanted: EventWanted) -> CrmEvent | None:
    """The last match between two offsets of each partition."""
    last: tuple[int, CrmEvent] | None = None
    reader = kafka.reader({place: begin for place, (begin, _) in chunk.items()})
    try:
        while any(reader.position(place) < end for place, (_, end) in chunk.items()):
            for inbound in reader.read(CHUNK_RECORDS_MAX, 0.5):
                if inbound.offset >= chunk[TopicPartition(inbound.topic, inbound.partition)][1]:
                    continue
                event = _matching(inbound, wanted)
                if event is not None and (last is None or last[0] <= inbound.timestamp_ms):
                    last = (inbound.timestamp_ms, event)
    finally:
        reader.close()
    return None if last is None else last[1]


def _matching(inbound: Inbound, wanted: EventWanted) -> CrmEvent | None:
    """The event, if it is the one; cheap looks first, since most records are not."""
    value = inbound.value
    if value is None:
        return None
    if wanted.record_id is not None:
        if inbound.key != ids.lane(wanted.tenant_id, wanted.module, wanted.record_id):
            return None
    elif wanted.event_id is not None:
        needle = wanted.event_id.encode("utf-8", "replace")
        if needle not in value and inbound.header("ce_id") != needle:
            return None
    try:
        event = read_event(inbound.topic, inbound.key, value, inbound.headers)
    except InvalidEvent:
        return None
    if event.tenant_id != wanted.tenant_id or wanted.event_id not in (None, event.event_id):
        return None
    return event
