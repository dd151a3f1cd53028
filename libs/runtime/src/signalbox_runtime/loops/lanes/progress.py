"""What may be committed: per partition, the records that were handed over and which of them are finished.

Pure: no Kafka, no clock. It lives on the Kafka thread.

Transactions leave markers in the log, so offsets have gaps: what counts is the sequence of *delivered*
records. The committed offset is that of the first unfinished one; what is finished beyond it travels in
the metadata (`finished_offsets`). A gap between two delivered records counts as whatever stands beside it.

A record is handed over only if the metadata would still fit in whatever order everything handed over
finishes; until then it waits in a backlog. So a result never has to wait for room in the metadata.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping

import msgspec

from signalbox_runtime.kafka.broker import CommittedOffset, Offsets
from signalbox_runtime.loops.lanes import finished_offsets
from signalbox_runtime.records import Inbound, TopicPartition

LARGE_BYTES = 4_096
"""A record is held as one, and as one more for each so many bytes: 24,000 small tokens are 60 MB, 24,000 with
the largest events would be 24 GB."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A record handed over. `epoch` is that of its partition's assignment to this process."""

    inbound: Inbound
    epoch: int
    is_finished: bool
    """By an earlier assignment: there is nothing to do."""


class Progress:
    """The partitions assigned to this process."""

    def __init__(self, metadata_max_bytes: int) -> None:
        self._payload_max_bytes = finished_offsets.payload_max_bytes(metadata_max_bytes)
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._last_epoch = 0
        self.held_total = 0
        """How many records were handed over and have no result in a transaction; large ones count more."""

    def assign(self, offsets: Offsets) -> dict[TopicPartition, int]:
        """Takes partitions on, each where its committed offset and metadata say. Returns their epochs.

        Nothing of them is handed over before `open`. Raises UnreadableMetadata.
        """
        epochs: dict[TopicPartition, int] = {}
        for partition, committed in offsets.items():
            restored = finished_offsets.decode(committed.offset, committed.metadata)
            self._last_epoch += 1
            epochs[partition] = self._last_epoch
            self._partitions[partition] = _Partition(self._last_epoch, committed.offset, restored)
        return epochs

    def remove(self, partitions: Collection[TopicPartition]) -> None:
        """Lets partitions go: results of their records count no more."""
        for name in partitions:
            partition = self._partitions.pop(name, None)
            if partition is not None:
                self.held_total -= partition.held

    def open(self, epochs: Mapping[TopicPartition, int]) -> None:
        """Lets records of these assignments be handed over, as far as they still stand."""
        for name, epoch in epochs.items():
            if self.is_current(name, epoch):
                self._partitions[name].is_open = True

    def is_current(self, name: TopicPartition, epoch: int) -> bool:
        """Whether that assignment of the partition still stands."""
        partition = self._partitions.get(name)
        return partition is not None and partition.epoch == epoch

    def receive(self, records: Iterable[Inbound]) -> list[Delivery]:
        """Notes consumed records; returns those that have room to be worked on."""
        deliveries: list[Delivery] = []
        for inbound in records:
            # A plain tuple finds it as well, and is made in a sixth of the time.
            partition = self._partitions.get((inbound.topic, inbound.partition))  # type: ignore[call-overload]
            if partition is None:
                continue
            if partition.backlog or not self._has_room(partition, inbound.offset):
                partition.backlog.append(inbound)
            else:
                deliveries.append(self._deliver(partition, inbound))
        return deliveries

    def release(self) -> list[Delivery]:
        """Records of the backlogs that have room by now."""
        deliveries: list[Delivery] = []
        for partition in self._partitions.values():
            backlog = partition.backlog
            while backlog and self._has_room(partition, backlog[0].offset):
                deliveries.append(self._deliver(partition, backlog.popleft()))
        return deliveries

    def finish(self, name: TopicPartition, epoch: int, offset: int) -> bool:
        """Notes that a record's result goes into the next transaction. False: it came too late to count."""
        partition = self._partitions.get(name)
        if partition is None or partition.epoch != epoch:
            return False
        number = partition.unfinished.pop(offset, None)
        if number is not None:
            partition.last_finished = max(partition.last_finished, number)
            self.held_total -= 1
            if partition.large:
                self.held_total -= partition.large.pop(offset, 0)
        return True

    def is_unfinished(self, name: TopicPartition, epoch: int, offset: int) -> bool:
        """Whether a result of that record is still to come."""
        return self.is_current(name, epoch) and offset in self._partitions[name].unfinished

    def offsets(self, names: Iterable[TopicPartition]) -> dict[TopicPartition, CommittedOffset]:
        """What to commit for these partitions."""
        offsets: dict[TopicPartition, CommittedOffset] = {}
        for name in names:
            partition = self._partitions[name]
            base = partition.base
            offsets[name] = CommittedOffset(
                base, finished_offsets.encode(base, partition.finished_beyond_base())
            )
        return offsets

    def next_offset(self, name: TopicPartition) -> int:
        """Where consuming goes on: past everything received."""
        partition = self._partitions[name]
        return partition.backlog[-1].offset + 1 if partition.backlog else partition.next_offset

    def held(self) -> dict[TopicPartition, int]:
        """By partition, how many records were handed over and have no result yet; large ones count more."""
        return {name: partition.held for name, partition in self._partitions.items()}

    def closed(self) -> frozenset[TopicPartition]:
        """Partitions of which nothing more should be consumed: not open yet, or with a backlog."""
        return frozenset(
            name for name, partition in self._partitions.items() if partition.backlog or not partition.is_open
        )

    def _deliver(self, partition: "_Partition", inbound: Inbound) -> Delivery:
        is_new = partition.deliver(inbound.offset)
        self.held_total += is_new
        if is_new and len(inbound.value or b"") >= LARGE_BYTES:
            more = partition.large[inbound.offset] = len(inbound.value or b"") // LARGE_BYTES
            self.held_total += more
        return Delivery(inbound, partition.epoch, not is_new)

    def _has_room(self, partition: "_Partition", offset: int) -> bool:
        if not partition.is_open:
            return False
        # With nothing unfinished the metadata is the restored one or less: that fitted.
        if not partition.unfinished:
            return True
        stop = max(partition.restored_stop, offset + 1)
        if stop - partition.earlier_base <= 8 * self._payload_max_bytes:
            return True
        partition.earlier_base = partition.base
        span = stop - partition.earlier_base
        if span <= 8 * self._payload_max_bytes:
            return True
        # The record itself, and the stretch up to the first range restored, are runs too.
        unfinished_runs = len(partition.unfinished) + len(partition.restored) + 2
        return finished_offsets.runs_max_bytes(unfinished_runs, span) <= self._payload_max_bytes


def is_finished(
    committed: Mapping[TopicPartition, CommittedOffset], name: TopicPartition, offset: int
) -> bool:
    """Whether what is committed says that the record is finished."""
    at = committed[name]
    return offset < at.offset or any(offset in run for run in finished_offsets.decode(at.offset, at.metadata))


class _Partition:
    """One assignment of one partition."""

    __slots__ = (
        "backlog",
        "delivered",
        "earlier_base",
        "epoch",
        "is_open",
        "large",
        "last_finished",
        "next_offset",
        "restored",
        "restored_stop",
        "unfinished",
    )

    def __init__(self, epoch: int, offset: int, restored: tuple[range, ...]) -> None:
        self.epoch = epoch
        self.is_open = False
        self.earlier_base = offset
        """What `base` was when it was last asked for room: never more than it is, and it costs no search."""
        self.next_offset = offset
        """One past the last delivered record."""
        self.delivered = 0
        """How many records were delivered, those finished earlier included."""
        self.unfinished: dict[int, int] = {}
        """Offset → its number among the delivered, ascending: neighbours in number have nothing between."""
        self.last_finished = 0
        """The highest number that is finished: beyond it everything delivered is unfinished."""
        self.large: dict[int, int] = {}
        """Offset → for how many more records it counts, of the unfinished that are large."""
        self.restored = deque(restored)
        """Finished before this assignment, and not yet met again."""
        self.restored_stop = restored[-1].stop if restored else 0
        self.backlog: deque[Inbound] = deque()

    @property
    def base(self) -> int:
        """The first unfinished offset."""
        return next(iter(self.unfinished)) if self.unfinished else self.next_offset

    @property
    def held(self) -> int:
        """How many are unfinished; large ones count more."""
        return len(self.unfinished) + sum(self.large.values())

    def deliver(self, offset: int) -> bool:
        """Notes the next record. False: it was finished before this assignment."""
        restored = self.restored
        while restored and restored[0].stop <= offset:
            restored.popleft()
        self.next_offset = offset + 1
        self.delivered += 1
        if restored and offset >= restored[0].start:
            self.last_finished = self.delivered
            return False
        self.unfinished[offset] = self.delivered
        return True

    def finished_beyond_base(self) -> list[range]:
        """Ascending ranges; a gap counts as finished only where a finished record stands beside it."""
        finished: list[range] = []
        previous_offset, previous_number = 0, 0
        for offset, number in self.unfinished.items():
            if previous_number and number != previous_number + 1:
                finished.append(range(previous_offset + 1, offset))
            previous_offset, previous_number = offset, number
            if number > self.last_finished:
                # Thousands may follow, and this is asked for at every commit.
                break
        else:
            if previous_number and previous_number != self.delivered:
                finished.append(range(previous_offset + 1, self.next_offset))
        finished.extend(
            range(max(run.start, self.next_offset), run.stop)
            for run in self.restored
            if run.stop > self.next_offset
        )
        return finished
