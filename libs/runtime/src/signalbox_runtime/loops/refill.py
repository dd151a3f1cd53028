"""Refills a memory of ids from the partition's own past, before the first record of an assignment."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import structlog

from signalbox_runtime import metrics
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.records import Inbound, TopicPartition

READ_MAX_RECORDS = 2_000
READ_TIMEOUT_SECONDS = 1.0
QUIET_READS_MAX = 15
ROUNDS_MAX = 4
"""Transaction markers and records without an id take offsets too, so `events_max` ids may lie further back
than as many offsets: what is missing is looked for this many times as far."""
PARTITIONS_AT_ONCE = 8
"""Their notes are in memory twice for a moment."""
log = structlog.get_logger()

Identify: TypeAlias = Callable[[Inbound], bytes | None]
"""The id of a record as `IdMemory.seen_before` is given it later, or None for a record without one."""


class _Note(NamedTuple):
    offset: int
    identity: bytes
    time_ms: int


class _Past:
    """What is known of a partition's past: everything from `start` on."""

    def __init__(self, begin: int) -> None:
        self.start = begin
        self.since: int | None = None
        """The first offset of the window by time, once a record shows what time it is there."""
        self.notes: list[_Note] = []


def refill(kafka: Kafka, memory: IdMemory, begins: Mapping[TopicPartition, int], identify: Identify) -> int:
    """Notes the records before `begins` within the memory's window; returns how many.

    Call it where partitions are assigned. Raises KafkaUnavailable when the past can't be read.
    """
    count = 0
    places = sorted(begins)
    for first in range(0, len(places), PARTITIONS_AT_ONCE):
        some = {place: begins[place] for place in places[first : first + PARTITIONS_AT_ONCE]}
        pasts = _read_pasts(kafka, memory, some, identify)
        for place, past in pasts.items():
            memory.forget(place)
            for note in past.notes:
                memory.seen_before(place, note.identity, note.offset, note.time_ms)
            count += len(past.notes)
            metrics.REMEMBERED_IDS.labels(place.topic, place.partition).set(memory.remembered(place))
    log.info("memory of ids refilled", records=count, partitions=len(begins))
    return count


def _read_pasts(
    kafka: Kafka, memory: IdMemory, begins: Mapping[TopicPartition, int], identify: Identify
) -> dict[TopicPartition, _Past]:
    queries = kafka.offsets()
    first_kept = queries.begin_offsets(begins)
    pasts = {place: _Past(begin) for place, begin in begins.items()}
    for _ in range(ROUNDS_MAX):
        ranges = {
            place: (start, past.start)
            for place, past in pasts.items()
            if (start := _next_start(memory, past, first_kept[place])) < past.start
        }
        if not ranges:
            break
        read = _read(kafka, ranges, identify)
        for place, (start, _) in ranges.items():
            past = pasts[place]
            past.notes = read[place] + past.notes
            past.start = start
            if memory.kept_ms and past.since is None and past.notes:
                window_begin_ms = past.notes[-1].time_ms - memory.kept_ms
                past.since = queries.offsets_at([place], window_begin_ms)[place]
    return pasts


def _next_start(memory: IdMemory, past: _Past, first_kept: int) -> int:
    """Where the next round reads from; `past.start` when nothing is missing."""
    start = past.start
    if len(past.notes) < memory.events_max:
        start -= memory.events_max
    if past.since is not None:
        start = min(start, past.since)
    return max(start, first_kept)


def _read(
    kafka: Kafka, ranges: Mapping[TopicPartition, tuple[int, int]], identify: Identify
) -> dict[TopicPartition, list[_Note]]:
    """The notes of each partition from its range's first offset to before its last, in order."""
    notes: dict[TopicPartition, list[_Note]] = {place: [] for place in ranges}
    unread = set(ranges)
    quiet_reads = 0
    reader = kafka.reader({place: start for place, (start, _) in ranges.items()})
    try:
        while unread:
            records = reader.read(READ_MAX_RECORDS, READ_TIMEOUT_SECONDS)
            for inbound in records:
                place = TopicPartition(inbound.topic, inbound.partition)
                identity = identify(inbound) if inbound.offset < ranges[place][1] else None
                if identity is not None:
                    notes[place].append(_Note(inbound.offset, identity, inbound.timestamp_ms))
            unread = {place for place in unread if reader.position(place) < ranges[place][1]}
            quiet_reads = 0 if records else quiet_reads + 1
            if quiet_reads > QUIET_READS_MAX:
                raise KafkaUnavailable(f"The past of {sorted(unread)} could not be read.")
    finally:
        reader.close()
    return notes
