"""What goes from the asyncio thread to the Kafka thread, through one deque."""

from typing import TypeAlias

import msgspec

from signalbox_runtime.records import Outbox, TopicPartition


class Result(msgspec.Struct, frozen=True, gc=False):
    """A record's execution is over. `called`: with an effect outside that a crash would repeat."""

    partition: TopicPartition
    epoch: int
    offset: int
    outbox: Outbox
    called: bool
    timestamp_ms: int
    """Of the record."""


class Prepared(msgspec.Struct, frozen=True):
    """The handler is ready for these partitions, in these assignments."""

    epochs: dict[TopicPartition, int]


class StillRunning(msgspec.Struct, frozen=True):
    """The answer to a revocation: nothing waits any more, and of these assignments these offsets run."""

    request: int
    calls: tuple[tuple[TopicPartition, int, int], ...]
    """(partition, epoch, offset) each."""


class ExecutorEnded(msgspec.Struct, frozen=True):
    """The asyncio thread ends: no result comes any more."""


Handover: TypeAlias = Result | Prepared | StillRunning | ExecutorEnded
