"""Finds one event on a `crm.*` topic, newest first: by its id, or the last one of a record."""

import time
from dataclasses import dataclass
from typing import Final

from signalbox_contracts import ids, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent
from signalbox_runtime.broker import Kafka
from signalbox_runtime.records import Inbound, TopicPartition

CHUNK_RECORDS: Final = 5_000
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


def find_event(kafka: Kafka, wanted: EventWanted) -> CrmEvent | NotFound:
    """Blocks up to SEARCH_SECONDS; for a thread of its own."""
    offsets = kafka.offsets()
    partitions = offsets.partitions([topics.crm_topic(wanted.module)])
    starts = offsets.begin_offsets(partitions)
    ends = dict(offsets.end_offsets(partitions))
    give_up_at = time.monotonic() + SEARCH_SECONDS
    searched = 0
    while any(ends[place] > starts[place] for place in partitions):
        chunk = {place: (max(starts[place], end - CHUNK_RECORDS), end) for place, end in ends.items()}
        found: list[tuple[int, CrmEvent]] = []
        for place, (begin, end) in chunk.items():
            if end <= begin:
                continue
            if time.monotonic() > give_up_at:
                return NotFound(searched, complete=False)
            searched += end - begin
            found.extend(_read(kafka, place, begin, end, wanted))
        if found:
            return max(found, key=_append_time)[1]
        ends = {place: begin for place, (begin, _) in chunk.items()}
    return NotFound(searched, complete=True)


def _append_time(found: tuple[int, CrmEvent]) -> int:
    return found[0]


def _read(
    kafka: Kafka, place: TopicPartition, begin: int, end: int, wanted: EventWanted
) -> list[tuple[int, CrmEvent]]:
    """Matches between two offsets, with their append times; the last one only."""
    last: list[tuple[int, CrmEvent]] = []
    reader = kafka.reader({place: begin})
    try:
        while reader.position(place) < end:
            for inbound in reader.read(CHUNK_RECORDS, 0.5):
                if inbound.offset < end and (event := _matching(inbound, wanted)) is not None:
                    last = [(inbound.timestamp_ms, event)]
    finally:
        reader.close()
    return last


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
