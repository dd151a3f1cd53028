"""What the loops need from Kafka, as interfaces.

`kafka.clients` fulfils them with librdkafka, `testing.fake_kafka` in memory; one behaviour suite holds both
to the same rules. Every call may raise the KafkaFailure classes of `errors`.
A client belongs to the thread that made it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NewType, Protocol

import msgspec

from signalbox_runtime.records import Inbound, Outbound, TopicPartition

GroupMetadata = NewType("GroupMetadata", object)
"""Member and generation of a group, opaque. It goes stale with the next rebalance."""


class CommittedOffset(msgspec.Struct, frozen=True):
    """The next offset to consume, and the text (at most 4,096 bytes) committed beside it."""

    offset: int
    metadata: str = ""


Offsets = Mapping[TopicPartition, CommittedOffset]


Begins = Callable[[Collection[TopicPartition]], dict[TopicPartition, CommittedOffset]]
"""Asked for newly assigned partitions, from inside `poll`."""


class RebalanceListener(Protocol):
    """Told about partitions from inside `GroupConsumer.poll` and `GroupConsumer.close`, on their thread."""

    def assigned(self, partitions: Offsets) -> None:
        """New partitions and where they begin. Nothing of them has been delivered yet."""
        ...

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions that go to somebody else once this returns: commit or abort before."""
        ...

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions that somebody else may have already: abort, commit nothing."""
        ...


class GroupConsumer(Protocol):
    """A member of a consumer group that reads committed records and never commits by itself."""

    def subscribe(
        self, topics: Sequence[str], listener: RebalanceListener, begins: Begins | None = None
    ) -> None:
        """Joins the group. `begins` says where partitions begin whose offsets do not live in Kafka."""
        ...

    def poll(self, timeout_seconds: float, max_records: int) -> list[Inbound]:
        """Waits for the first record only, then takes what is there. Raises OffsetMissing."""
        ...

    def group_metadata(self) -> GroupMetadata: ...

    def assignment(self) -> frozenset[TopicPartition]: ...

    def committed(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, CommittedOffset]:
        """What the group committed, once no open transaction can change it. Raises OffsetMissing."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """The next record of `partition` is the first one at or after `offset`; a paused one stays paused."""
        ...

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        """Nothing of these partitions is delivered until `resume`."""
        ...

    def resume(self, partition: TopicPartition, offset: int) -> None:
        """Delivers `partition` again, from `offset` on."""
        ...

    def close(self) -> None:
        """Gives the partitions up (listener.revoked) and leaves the group. Raises what the listener does."""
        ...


class TransactionalProducer(Protocol):
    """One transaction at a time. After an OutcomeUnknown or ClientFailed only `destroy` is allowed."""

    def initialise(self) -> None:
        """Fences older producers of the same id and ends what they left open."""
        ...

    def begin(self) -> None: ...

    def produce(self, record: Outbound) -> None: ...

    def send_offsets(self, offsets: Offsets, metadata: GroupMetadata) -> None: ...

    def commit(self) -> None: ...

    def abort(self) -> None: ...

    def poll(self) -> None:
        """Serves the client while no transaction runs, so that a fatal error shows itself."""
        ...

    def destroy(self) -> None:
        """Lets go without waiting: what was in flight is dropped."""
        ...


class PartitionReader(Protocol):
    """Reads committed records of given partitions outside any group."""

    def read(self, max_records: int, timeout_seconds: float) -> list[Inbound]: ...

    def position(self, partition: TopicPartition) -> int:
        """Everything before this offset has been delivered, or is no record (transaction markers)."""
        ...

    def close(self) -> None: ...


class OffsetQueries(Protocol):
    """Questions about topics, asked through a client of its own (0.3 ms; a fetching client takes 500 ms)."""

    def partitions(self, topics: Sequence[str]) -> tuple[TopicPartition, ...]:
        """Every partition of `topics`. Raises ServiceRefused for a topic that does not exist."""
        ...

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """One past the last offset that read_committed readers may see."""
        ...

    def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """One past the last offset written, open transactions and pending markers included."""
        ...

    def begin_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset still kept."""
        ...

    def offsets_at(self, partitions: Iterable[TopicPartition], time_ms: int) -> dict[TopicPartition, int]:
        """The first offset whose timestamp is at or after `time_ms`, else the end offset."""
        ...

    def written_offsets_at(
        self, partitions: Iterable[TopicPartition], time_ms: int
    ) -> dict[TopicPartition, int]:
        """The same over all that is written, open transactions included."""
        ...

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The offsets of any group, on those of `partitions` where it has one."""
        ...


class Kafka(Protocol):
    """Makes clients."""

    def group_consumer(
        self, group: str, instance_id: str | None = None, *, pauses: bool = False
    ) -> GroupConsumer:
        """A member of `group`. One that `pauses` partitions all the time is quick to have them again."""
        ...

    def transactional_producer(self, transactional_id: str) -> TransactionalProducer: ...

    def reader(self, begin: Mapping[TopicPartition, int]) -> PartitionReader:
        """A reader of these partitions from these offsets on (0: from the first kept one)."""
        ...

    def offsets(self) -> OffsetQueries: ...
