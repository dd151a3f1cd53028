"""Kafka in memory: topics, transactions with their markers, and consumer groups that rebalance.

It keeps to what the loops rely on, and the behaviour suite runs on it and on real Kafka. It is safe to use
from several threads, as several members of a group need.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from zlib import crc32

from signalbox_runtime.clock import Clock, SystemClock
from signalbox_runtime.errors import (
    ClientFailed,
    KafkaUnavailable,
    OffsetMissing,
    OutcomeUnknown,
    ServiceRefused,
    TransactionAbortable,
)
from signalbox_runtime.kafka.broker import CommittedOffset, Offsets
from signalbox_runtime.records import Headers, Inbound, Outbound, TopicPartition


@dataclass(slots=True, eq=False)
class Transaction:
    """What a producer wrote since `begin`, and the offsets that go with it."""

    producer: "ProducerEpoch"
    status: Literal["open", "committed", "aborted"] = "open"
    touched: set[TopicPartition] = field(default_factory=set)
    offsets: dict[tuple[str, TopicPartition], CommittedOffset] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProducerEpoch:
    """A transactional id and which initialisation of it this is; a newer one fences it."""

    transactional_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One offset of a log: a record, or the marker that ends a transaction (`record` is None)."""

    record: Inbound | None
    transaction: Transaction | None


@dataclass(slots=True)
class Log:
    """One partition."""

    entries: list[Entry] = field(default_factory=list)
    first_kept: int = 0

    @property
    def end(self) -> int:
        """The last stable offset: nothing from the first open transaction on is visible."""
        for offset, entry in enumerate(self.entries):
            transaction = entry.transaction
            if entry.record is not None and transaction is not None and transaction.status == "open":
                return offset
        return len(self.entries)

    def visible(self, offset: int) -> list[Inbound]:
        """Committed records from `offset` on."""
        return [
            entry.record
            for entry in self.entries[offset : self.end]
            if entry.record is not None
            and (entry.transaction is None or entry.transaction.status == "committed")
        ]

    def written_at(self, time_ms: int) -> int:
        """The first offset of a record from `time_ms` on, its transaction ended or not; else the end."""
        for entry in self.entries[self.first_kept :]:
            if entry.record is not None and entry.record.timestamp_ms >= time_ms:
                return entry.record.offset
        return len(self.entries)


@dataclass(slots=True)
class Group:
    """Members in joining order with what each owns, and what was committed."""

    generation: int = 0
    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    owned: dict[str, set[TopicPartition]] = field(default_factory=dict)
    committed: dict[TopicPartition, CommittedOffset] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    """Group metadata as the fake knows it."""

    group: str
    member_id: str
    generation: int


class FakeBroker:
    """The state that clients share. What tests call is at the top, what clients call below."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock if clock is not None else SystemClock()
        self.changed = threading.Condition(threading.RLock())
        self.logs: dict[TopicPartition, Log] = {}
        self.partition_counts: dict[str, int] = {}
        self.is_down = False
        self.transactions_committed = 0
        self._groups: dict[str, Group] = {}
        self._epochs: dict[str, int] = {}
        self._open: dict[str, Transaction] = {}

    # --- for tests ---------------------------------------------------------------------------------

    def create_topic(self, topic: str, partitions: int = 1) -> None:
        """Makes an empty topic."""
        with self.changed:
            self.partition_counts[topic] = partitions
            for partition in range(partitions):
                self.logs[TopicPartition(topic, partition)] = Log()

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Inbound:
        """Publishes a record outside any transaction and returns it as a consumer will see it."""
        with self.changed:
            record = Outbound(topic, key, value, headers)
            return self._append(record, None, partition, timestamp_ms)

    def records(self, topic: str) -> list[Inbound]:
        """What a read_committed consumer can read, partition by partition."""
        with self.changed:
            return [record for place in self.places(topic) for record in self.logs[place].visible(0)]

    def commit_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Sets a group's offsets, as `signalbox topics apply` does for a new one."""
        with self.changed:
            committed = {place: CommittedOffset(offset) for place, offset in offsets.items()}
            self.group(group).committed.update(committed)

    def committed(self, group: str) -> dict[TopicPartition, CommittedOffset]:
        """A group's offsets."""
        with self.changed:
            return dict(self.group(group).committed)

    def throw_out(self, group: str) -> None:
        """Every member is taken for dead: its partitions are lost, and it joins anew with its next poll."""
        with self.changed:
            state = self.group(group)
            state.owned.clear()
            state.topics.clear()
            self._rebalance(state)

    def forget_before(self, place: TopicPartition, offset: int) -> None:
        """Retention removes everything before `offset`."""
        with self.changed:
            self.logs[place].first_kept = offset

    def expire_transactions(self) -> None:
        """Aborts every open transaction, as brokers do after transaction.timeout.ms."""
        with self.changed:
            for transaction in tuple(self._open.values()):
                self._epochs[transaction.producer.transactional_id] += 1
                self._end(transaction, "aborted")

    # --- for clients -------------------------------------------------------------------------------

    def places(self, topic: str) -> list[TopicPartition]:
        """Every partition of `topic`."""
        if topic not in self.partition_counts:
            raise ServiceRefused(f"Kafka has no topic {topic}: run `signalbox topics apply`.")
        return [TopicPartition(topic, number) for number in range(self.partition_counts[topic])]

    def group(self, name: str) -> Group:
        """The group, made on first use."""
        return self._groups.setdefault(name, Group())

    def check_up(self) -> None:
        """Raises KafkaUnavailable while the broker is down."""
        if self.is_down:
            raise KafkaUnavailable("The broker is down.")

    def check_answer(self) -> None:
        """Raises OutcomeUnknown while the broker is down: the call was sent and nobody answered."""
        if self.is_down:
            raise OutcomeUnknown("The broker is down.")

    def new_epoch(self, transactional_id: str) -> ProducerEpoch:
        """Fences older producers of the id, and aborts what they left open."""
        epoch = self._epochs.get(transactional_id, -1) + 1
        self._epochs[transactional_id] = epoch
        left_open = self._open.get(transactional_id)
        if left_open is not None:
            self._end(left_open, "aborted")
        return ProducerEpoch(transactional_id, epoch)

    def check_epoch(self, producer: ProducerEpoch) -> None:
        """Raises ClientFailed for a fenced producer."""
        if self._epochs[producer.transactional_id] != producer.epoch:
            raise ClientFailed(f"{producer.transactional_id} was fenced by a newer producer.")

    def write(self, transaction: Transaction, record: Outbound) -> None:
        """Appends a record that counts once the transaction is committed."""
        self._open[transaction.producer.transactional_id] = transaction
        inbound = self._append(record, transaction, None, None)
        transaction.touched.add(TopicPartition(inbound.topic, inbound.partition))

    def add_offsets(self, transaction: Transaction, offsets: Offsets, member: Member) -> None:
        """Offsets that count once the transaction is committed; TransactionAbortable for a stale member."""
        state = self.group(member.group)
        if member.member_id not in state.owned or member.generation != state.generation:
            raise TransactionAbortable(f"{member} is stale: the group is at generation {state.generation}.")
        self._open[transaction.producer.transactional_id] = transaction
        transaction.offsets.update({(member.group, place): offset for place, offset in offsets.items()})

    def end(self, transaction: Transaction, status: Literal["committed", "aborted"]) -> None:
        """Ends a transaction."""
        if transaction.status == "open":
            self._end(transaction, status)

    def stable_offsets(
        self, group: str, places: "list[TopicPartition]"
    ) -> dict[TopicPartition, CommittedOffset]:
        """What the group committed; raises KafkaUnavailable while an open transaction may change it."""
        pending = {
            place
            for transaction in self._open.values()
            for name, place in transaction.offsets
            if name == group
        }
        unstable = sorted(pending & set(places))
        if unstable:
            raise KafkaUnavailable(f"The offsets of {unstable} are not stable yet.")
        committed = self.group(group).committed
        missing = [place for place in places if place not in committed]
        if missing:
            names = ", ".join(f"{topic}-{partition}" for topic, partition in missing)
            raise OffsetMissing(f"Group {group} has no offset for {names}.")
        return {place: committed[place] for place in places}

    def join(self, group: str, member_id: str, topics: tuple[str, ...]) -> None:
        """A new member; a member that is known already changes nothing."""
        state = self.group(group)
        if member_id not in state.owned:
            state.owned[member_id] = set()
            state.topics[member_id] = topics
            self._rebalance(state)

    def leave(self, group: str, member_id: str) -> None:
        """A member goes, and with it what it owned."""
        state = self.group(group)
        if state.owned.pop(member_id, None) is not None:
            del state.topics[member_id]
            self._rebalance(state)

    def target(self, group: str, member_id: str) -> set[TopicPartition]:
        """The share of a member: partitions dealt in turn to the members that read the topic."""
        state = self.group(group)
        share: set[TopicPartition] = set()
        for topic in state.topics[member_id]:
            readers = [member for member, topics in state.topics.items() if topic in topics]
            share.update(
                place for place in self.places(topic) if readers[place.partition % len(readers)] == member_id
            )
        return share

    def free(self, group: str, places: set[TopicPartition]) -> set[TopicPartition]:
        """Those that no member owns."""
        taken = set().union(*self.group(group).owned.values())
        return places - taken

    # --- inside ------------------------------------------------------------------------------------

    def _append(
        self,
        record: Outbound,
        transaction: Transaction | None,
        partition: int | None,
        timestamp_ms: int | None,
    ) -> Inbound:
        count = len(self.places(record.topic))
        number = partition if partition is not None else crc32(record.key or b"") % count
        log = self.logs[TopicPartition(record.topic, number)]
        inbound = Inbound(
            topic=record.topic,
            partition=number,
            offset=len(log.entries),
            timestamp_ms=timestamp_ms if timestamp_ms is not None else self.clock.now_ms(),
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        log.entries.append(Entry(inbound, transaction))
        self.changed.notify_all()
        return inbound

    def _end(self, transaction: Transaction, status: Literal["committed", "aborted"]) -> None:
        transaction.status = status
        self._open.pop(transaction.producer.transactional_id, None)
        for place in transaction.touched:
            self.logs[place].entries.append(Entry(None, transaction))
        if status == "committed":
            self.transactions_committed += 1
            for (group, place), offset in transaction.offsets.items():
                self.group(group).committed[place] = offset
        self.changed.notify_all()

    def _rebalance(self, state: Group) -> None:
        state.generation += 1
        self.changed.notify_all()
