"""Views: topics that every instance reads whole, kept as new as the batch that asks.

A view of `workflows.definitions` is never stale: `catch_up` asks for the end offset *after* the batch was
fetched and reads up to it, so whatever was confirmed before an event was published is applied before the
event is judged.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

import structlog

from signalbox_runtime import metrics
from signalbox_runtime.clock import Clock, SystemClock
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.broker import Kafka, OffsetQueries, PartitionReader
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.records import Inbound, TopicPartition

CATCH_UP_TIMEOUT_SECONDS = 10.0
LOAD_RETRY_SECONDS = 0.5
READ_MAX_RECORDS = 1_000
READ_TIMEOUT_SECONDS = 0.2
CONDITION = "views"
log = structlog.get_logger()

Apply: TypeAlias = Callable[[Inbound], None]
"""Takes one record in. A value of None is a tombstone: the key's value is gone."""


class TopicViews:
    """Reads topics from their beginning and hands each record to its topic's `apply`, in partition order.

    It belongs to one thread. Records of different partitions come in no particular order.
    """

    def __init__(
        self,
        kafka: Kafka,
        applies: Mapping[str, Apply],
        readiness: Readiness | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._kafka = kafka
        self._applies = dict(applies)
        self._readiness = readiness if readiness is not None else Readiness()
        self._clock = clock if clock is not None else SystemClock()
        self._partitions: tuple[TopicPartition, ...] = ()
        self._offsets: OffsetQueries | None = None
        self._reader: PartitionReader | None = None
        self._readiness.unmet(CONDITION, f"not read yet: {self._topics}")

    def load(self, stopping: threading.Event) -> None:
        """Reads every topic to its end; waits while Kafka is away. Returns early when `stopping` is set."""
        while not stopping.is_set():
            try:
                self.catch_up()
            except KafkaUnavailable as unavailable:
                log.warning("views are not read yet", reason=str(unavailable))
                stopping.wait(LOAD_RETRY_SECONDS)
            else:
                return

    def catch_up(self, timeout_seconds: float = CATCH_UP_TIMEOUT_SECONDS) -> int:
        """Applies everything up to the end as it is now; returns how many records that were.

        Raises KafkaUnavailable when that could not be done in time; what was applied stays applied.
        """
        began_at = self._clock.monotonic_seconds()
        try:
            count = self._read_to_ends(began_at + timeout_seconds)
        except KafkaUnavailable as unavailable:
            self._readiness.unmet(CONDITION, str(unavailable))
            raise
        self._readiness.met(CONDITION)
        metrics.VIEW_CATCH_UP_SECONDS.observe(self._clock.monotonic_seconds() - began_at)
        return count

    def close(self) -> None:
        """Reads no more."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _read_to_ends(self, give_up_at: float) -> int:
        if self._offsets is None:
            self._offsets = self._kafka.offsets()
        if self._reader is None:
            self._partitions = self._offsets.partitions(tuple(self._applies))
            self._reader = self._kafka.reader(dict.fromkeys(self._partitions, 0))
        ends = self._offsets.end_offsets(self._partitions)
        behind = self._behind(self._reader, ends)
        count = 0
        while behind:
            if self._clock.monotonic_seconds() > give_up_at:
                raise KafkaUnavailable(f"not caught up with {', '.join(behind)}")
            for inbound in self._reader.read(READ_MAX_RECORDS, READ_TIMEOUT_SECONDS):
                self._applies[inbound.topic](inbound)
                metrics.VIEW_RECORDS.labels(inbound.topic).inc()
                count += 1
            behind = self._behind(self._reader, ends)
        return count

    @staticmethod
    def _behind(reader: PartitionReader, ends: Mapping[TopicPartition, int]) -> list[str]:
        return [
            f"{place.topic}-{place.partition} ({position} of {end})"
            for place, end in ends.items()
            if (position := reader.position(place)) < end
        ]

    @property
    def _topics(self) -> str:
        return ", ".join(self._applies)


def follow(views: TopicViews, stopping: threading.Event, interval_seconds: float) -> None:
    """Keeps views no older than `interval_seconds` until `stopping`; for a thread of their own.

    Run it by `Service.start_thread`. What `apply` builds must then be safe to read from another thread:
    replace whole values (a dict's item, a tuple), never change one in place.
    """
    try:
        views.load(stopping)
        while not stopping.wait(interval_seconds):
            try:
                views.catch_up()
            except KafkaUnavailable as unavailable:
                log.warning("views fall behind", reason=str(unavailable))
    finally:
        views.close()
