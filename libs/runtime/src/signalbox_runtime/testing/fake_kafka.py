"""Clients of the broker in memory, behind the interfaces of `signalbox_runtime.kafka.broker`."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from time import monotonic

from signalbox_runtime.errors import ClientFailed, KafkaUnavailable, OffsetMissing
from signalbox_runtime.kafka.broker import Begins, CommittedOffset, GroupMetadata, Offsets, RebalanceListener
from signalbox_runtime.records import Inbound, Outbound, TopicPartition
from signalbox_runtime.testing.fake_broker import FakeBroker, Member, ProducerEpoch, Transaction

_WAKE_SECONDS = 0.02
_numbers = itertools.count(1)


class FakeKafka:
    """Fulfils broker.Kafka in memory. `broker` is what a test looks at and breaks."""

    def __init__(self, broker: FakeBroker | None = None) -> None:
        self.broker = broker if broker is not None else FakeBroker()
        self._instances: dict[str, FakeGroupConsumer] = {}

    def group_consumer(
        self, group: str, instance_id: str | None = None, *, pauses: bool = False
    ) -> "FakeGroupConsumer":
        consumer = FakeGroupConsumer(self.broker, group)
        if instance_id is not None:
            predecessor = self._instances.get(instance_id)
            if predecessor is not None:
                predecessor.fence()
            self._instances[instance_id] = consumer
        return consumer

    def transactional_producer(self, transactional_id: str) -> "FakeProducer":
        return FakeProducer(self.broker, transactional_id)

    def reader(self, begin: Mapping[TopicPartition, int]) -> "FakeReader":
        return FakeReader(self.broker, begin)

    def offsets(self) -> "FakeOffsets":
        return FakeOffsets(self.broker)


class FakeProducer:
    """Fulfils broker.TransactionalProducer."""

    def __init__(self, broker: FakeBroker, transactional_id: str) -> None:
        self._broker = broker
        self._transactional_id = transactional_id
        self._epoch: ProducerEpoch | None = None
        self._transaction: Transaction | None = None

    def initialise(self) -> None:
        with self._broker.changed:
            self._broker.check_up()
            self._epoch = self._broker.new_epoch(self._transactional_id)

    def begin(self) -> None:
        with self._broker.changed:
            epoch = self._checked_epoch()
            if self._transaction is not None:
                raise ClientFailed("begin: a transaction is open already.")
            self._broker.check_up()
            self._transaction = Transaction(epoch)

    def produce(self, record: Outbound) -> None:
        with self._broker.changed:
            transaction = self._checked()
            self._broker.check_answer()
            self._broker.write(transaction, record)

    def send_offsets(self, offsets: Offsets, metadata: GroupMetadata) -> None:
        assert isinstance(metadata, Member)
        with self._broker.changed:
            transaction = self._checked()
            self._broker.check_answer()
            self._broker.add_offsets(transaction, offsets, metadata)

    def commit(self) -> None:
        with self._broker.changed:
            transaction = self._checked()
            self._broker.check_answer()
            self._broker.end(transaction, "committed")
            self._transaction = None

    def abort(self) -> None:
        with self._broker.changed:
            transaction = self._checked()
            self._broker.check_answer()
            self._broker.end(transaction, "aborted")
            self._transaction = None

    def poll(self) -> None:
        with self._broker.changed:
            self._checked_epoch()

    def destroy(self) -> None:
        self._epoch = None
        self._transaction = None

    def _checked_epoch(self) -> ProducerEpoch:
        if self._epoch is None:
            raise ClientFailed("This producer is not initialised, or was destroyed.")
        self._broker.check_epoch(self._epoch)
        return self._epoch

    def _checked(self) -> Transaction:
        self._checked_epoch()
        if self._transaction is None:
            raise ClientFailed("No transaction was begun.")
        return self._transaction


class FakeGroupConsumer:
    """Fulfils broker.GroupConsumer. Rebalances happen inside `poll`, revocations before assignments."""

    def __init__(self, broker: FakeBroker, group: str) -> None:
        self._broker = broker
        self._group = group
        self._member_id = f"member-{next(_numbers)}"
        self._generation = 0
        self._topics: tuple[str, ...] = ()
        self._listener: RebalanceListener | None = None
        self._begins: Begins | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._is_fenced = False
        self._has_joined = False

    def subscribe(
        self, topics: Sequence[str], listener: RebalanceListener, begins: Begins | None = None
    ) -> None:
        self._topics = tuple(topics)
        self._listener = listener
        self._begins = begins

    def fence(self) -> None:
        """A newer client has the same instance id."""
        with self._broker.changed:
            self._is_fenced = True
            self._broker.leave(self._group, self._member_id)

    def poll(self, timeout_seconds: float, max_records: int) -> list[Inbound]:
        give_up_at = monotonic() + timeout_seconds
        while True:
            self._rebalance()
            with self._broker.changed:
                self._broker.check_up()
                records = self._take(max_records)
                left = give_up_at - monotonic()
                if records or left <= 0:
                    return records
                self._broker.changed.wait(min(left, _WAKE_SECONDS))

    def group_metadata(self) -> GroupMetadata:
        return GroupMetadata(Member(self._group, self._member_id, self._generation))

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._positions)

    def committed(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, CommittedOffset]:
        with self._broker.changed:
            self._broker.check_up()
            return self._broker.stable_offsets(self._group, list(partitions))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._paused.update(partitions)

    def resume(self, partition: TopicPartition, offset: int) -> None:
        self._paused.discard(partition)
        self._positions[partition] = offset

    def close(self) -> None:
        self._give_up(set(self._positions), is_lost=self._is_fenced)
        with self._broker.changed:
            self._broker.leave(self._group, self._member_id)

    def _rebalance(self) -> None:
        with self._broker.changed:
            if self._is_fenced:
                raise ClientFailed(f"{self._member_id} was fenced by a newer client of its instance id.")
            state = self._broker.group(self._group)
            is_lost = bool(self._positions) and self._member_id not in state.owned
            if is_lost:
                gone = set(self._positions)
            else:
                self._broker.join(self._group, self._member_id, self._topics)
                gone = set(self._positions) - self._broker.target(self._group, self._member_id)
                # As in Kafka, a revocation comes after the join: it can commit with the new generation.
                self._generation = state.generation
        if gone:
            self._give_up(gone, is_lost)
        with self._broker.changed:
            self._broker.join(self._group, self._member_id, self._topics)
            state = self._broker.group(self._group)
            state.owned[self._member_id] = set(self._positions)
            self._generation = state.generation
            wanted = self._broker.target(self._group, self._member_id) - set(self._positions)
            new = sorted(self._broker.free(self._group, wanted))
            try:
                begins = self._begins(new) if self._begins else self._broker.stable_offsets(self._group, new)
            except KafkaUnavailable:
                return
            state.owned[self._member_id].update(new)
        if new or not self._has_joined:
            assert self._listener is not None
            self._has_joined = True
            self._listener.assigned(begins)
            self._positions.update({place: begin.offset for place, begin in begins.items()})

    def _give_up(self, places: set[TopicPartition], is_lost: bool) -> None:
        if self._listener is not None and places:
            (self._listener.lost if is_lost else self._listener.revoked)(sorted(places))
        for place in places:
            self._positions.pop(place, None)
            self._paused.discard(place)
        with self._broker.changed:
            owned = self._broker.group(self._group).owned.get(self._member_id)
            if owned is not None:
                owned -= places
            self._broker.changed.notify_all()

    def _take(self, max_records: int) -> list[Inbound]:
        records: list[Inbound] = []
        for place, position in self._positions.items():
            if place in self._paused:
                continue
            log = self._broker.logs[place]
            if position < log.first_kept or position > len(log.entries):
                raise OffsetMissing(f"{place.topic}-{place.partition} does not hold the offset {position}.")
            taken = log.visible(position)[: max_records - len(records)]
            if taken:
                self._positions[place] = taken[-1].offset + 1
                records += taken
        return records


class FakeReader:
    """Fulfils broker.PartitionReader."""

    def __init__(self, broker: FakeBroker, begin: Mapping[TopicPartition, int]) -> None:
        self._broker = broker
        self._positions = dict(begin)

    def read(self, max_records: int, timeout_seconds: float) -> list[Inbound]:
        give_up_at = monotonic() + timeout_seconds
        with self._broker.changed:
            while True:
                if not self._broker.is_down:
                    moved = dict(self._positions)
                    records = self._take(max_records)
                    if records or moved != self._positions:
                        return records
                left = give_up_at - monotonic()
                if left <= 0:
                    return []
                self._broker.changed.wait(left)

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def close(self) -> None:
        self._positions.clear()

    def _take(self, max_records: int) -> list[Inbound]:
        records: list[Inbound] = []
        for place, position in self._positions.items():
            log = self._broker.logs[place]
            visible = log.visible(max(position, log.first_kept))
            taken = visible[: max_records - len(records)]
            if len(taken) == len(visible):
                self._positions[place] = max(position, log.end)
            elif taken:
                self._positions[place] = taken[-1].offset + 1
            records += taken
        return records


class FakeOffsets:
    """Fulfils broker.OffsetQueries."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker

    def partitions(self, topics: Sequence[str]) -> tuple[TopicPartition, ...]:
        with self._broker.changed:
            self._broker.check_up()
            return tuple(place for topic in topics for place in self._broker.places(topic))

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        with self._broker.changed:
            self._broker.check_up()
            return {place: self._broker.logs[place].end for place in partitions}

    def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        with self._broker.changed:
            self._broker.check_up()
            return {place: len(self._broker.logs[place].entries) for place in partitions}

    def begin_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        with self._broker.changed:
            self._broker.check_up()
            return {place: self._broker.logs[place].first_kept for place in partitions}

    def offsets_at(self, partitions: Iterable[TopicPartition], time_ms: int) -> dict[TopicPartition, int]:
        with self._broker.changed:
            self._broker.check_up()
            return {place: self._first_at(place, time_ms) for place in partitions}

    def written_offsets_at(
        self, partitions: Iterable[TopicPartition], time_ms: int
    ) -> dict[TopicPartition, int]:
        with self._broker.changed:
            self._broker.check_up()
            return {place: self._broker.logs[place].written_at(time_ms) for place in partitions}

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        with self._broker.changed:
            self._broker.check_up()
            committed = self._broker.committed(group)
            return {place: committed[place].offset for place in partitions if place in committed}

    def _first_at(self, place: TopicPartition, time_ms: int) -> int:
        log = self._broker.logs[place]
        later = (record.offset for record in log.visible(log.first_kept) if record.timestamp_ms >= time_ms)
        return next(later, log.end)
