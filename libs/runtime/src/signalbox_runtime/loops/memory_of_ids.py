"""Which ids a partition carried lately, to recognise repeats.

A record repeats another if its id was first seen at a *lower offset*: after an abort the same records come
again, and are not their own repeats. Ids are kept as 8-byte hashes.

>>> memory = IdMemory()
>>> here = TopicPartition("crm.leads", 0)
>>> [memory.seen_before(here, identity, offset) for offset, identity in enumerate([b"a", b"b", b"a", b"c"])]
[False, False, True, False]
>>> memory.seen_before(here, b"a", 2), memory.seen_before(here, b"c", 3)
(True, False)
"""

import hashlib
from collections import deque

from signalbox_runtime.records import TopicPartition

EVENTS_MAX = 10_000
REWIND_EVENTS_MAX = 1_000
"""How far an abort may rewind: so many records more are remembered, or a record near the beginning of the
window would no longer be known as the repeat it was."""


class IdMemory:
    """Remembers the ids of the last `events_max` records of each partition, and those of the last `kept_ms`.

    An id within that window before a record is always known, over rewinds of up to `rewind_events_max`
    records and after a refill from the topic too.
    """

    def __init__(
        self,
        events_max: int = EVENTS_MAX,
        kept_ms: int = 0,
        rewind_events_max: int = REWIND_EVENTS_MAX,
    ) -> None:
        self.events_max = events_max
        self.kept_ms = kept_ms
        self._remembered_max = events_max + rewind_events_max
        self._partitions: dict[TopicPartition, _PartitionMemory] = {}

    def seen_before(self, partition: TopicPartition, identity: bytes, offset: int, time_ms: int = 0) -> bool:
        """Whether `identity` was first seen at a lower offset of `partition`; notes it if not."""
        memory = self._partitions.get(partition)
        if memory is None:
            memory = self._partitions[partition] = _PartitionMemory()
        return memory.note(_hash(identity), offset, time_ms, self._remembered_max, self.kept_ms)

    def forget(self, partition: TopicPartition) -> None:
        """Drops what is known about a partition that is no longer ours."""
        self._partitions.pop(partition, None)

    def remembered(self, partition: TopicPartition) -> int:
        """How many ids of `partition` are remembered."""
        memory = self._partitions.get(partition)
        return 0 if memory is None else len(memory.first_offsets)


class _PartitionMemory:
    __slots__ = ("first_offsets", "newest_offset", "repeats", "window")

    def __init__(self) -> None:
        self.window: deque[tuple[int, int]] = deque()
        """Hash and time of each record, in offset order, repeats included."""
        self.first_offsets: dict[int, int] = {}
        self.repeats: dict[int, int] = {}
        """How often an id occurs in the window beyond once: a repeat keeps its id remembered."""
        self.newest_offset = -1

    def note(self, hashed: int, offset: int, time_ms: int, remembered_max: int, kept_ms: int) -> bool:
        first_offset = self.first_offsets.get(hashed)
        if offset > self.newest_offset:
            self.newest_offset = offset
            self.window.append((hashed, time_ms))
            if first_offset is None:
                self.first_offsets[hashed] = offset
            else:
                self.repeats[hashed] = self.repeats.get(hashed, 0) + 1
            self._shrink(time_ms, remembered_max, kept_ms)
        return first_offset is not None and first_offset < offset

    def _shrink(self, now_ms: int, remembered_max: int, kept_ms: int) -> None:
        while len(self.window) > remembered_max and self.window[0][1] <= now_ms - kept_ms:
            hashed, _ = self.window.popleft()
            repeats = self.repeats.pop(hashed, 0)
            if repeats == 0:
                del self.first_offsets[hashed]
            elif repeats > 1:
                self.repeats[hashed] = repeats - 1


def _hash(identity: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(identity, digest_size=8).digest(), "big")
