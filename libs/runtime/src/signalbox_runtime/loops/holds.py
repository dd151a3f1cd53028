"""Partitions whose next record is not due yet: which, until when, and from which offset they go on."""

import msgspec

from signalbox_runtime import metrics
from signalbox_runtime.records import TopicPartition

HOLD_STEP_MS = 20
"""A held partition rests this long at least: resuming it fetches anew, which must not happen per record."""


class Hold(msgspec.Struct, frozen=True):
    """Not yet: the record and all that follow in its partition wait until `until_ms`, ms since 1970."""

    until_ms: int


class Held(msgspec.Struct, frozen=True):
    """A partition's first record that is not due, and when it will be."""

    until_ms: int
    offset: int


class Holds:
    """The held partitions of one member."""

    def __init__(self) -> None:
        self._held: dict[TopicPartition, Held] = {}

    def hold(self, partition: TopicPartition, held: Held, now_ms: int) -> None:
        """`partition` waits, for HOLD_STEP_MS at least."""
        self._held[partition] = Held(max(held.until_ms, now_ms + HOLD_STEP_MS), held.offset)
        metrics.HELD_PARTITIONS.labels(partition.topic).inc()

    def drop(self, partition: TopicPartition) -> None:
        """`partition` is not ours any more."""
        if self._held.pop(partition, None) is not None:
            metrics.HELD_PARTITIONS.labels(partition.topic).dec()

    def release(self, now_ms: int) -> dict[TopicPartition, int]:
        """Takes out the partitions that are due, with the offset each goes on from."""
        due = {partition: held.offset for partition, held in self._held.items() if held.until_ms <= now_ms}
        for partition in due:
            self.drop(partition)
        return due

    def until_first_due_seconds(self, now_ms: int, at_most_seconds: float) -> float:
        """How long nothing held becomes due; `at_most_seconds` when that is longer, or nothing is held."""
        if not self._held:
            return at_most_seconds
        first_due_ms = min(held.until_ms for held in self._held.values())
        return min(at_most_seconds, max(0.0, (first_due_ms - now_ms) / 1000))
