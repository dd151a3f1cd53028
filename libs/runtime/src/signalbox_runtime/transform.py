"""The loop `a batch in, a transaction out`.

A turn polls a batch, lets the transform handle each record, and commits what they led to together with
their offsets in one transaction. Polling and transactions take turns on one thread, so a rebalance (which
happens inside a poll) never meets an open transaction.

| what happens                            | what the loop does                                              |
|-----------------------------------------|-----------------------------------------------------------------|
| commit succeeds                         | goes on                                                         |
| an abortable error, e.g. stale member   | aborts, rewinds the batch's partitions, tries the batch again   |
| a call's outcome stays unknown          | new producer of the same id, rewinds to the committed offsets   |
| fenced, or failed for good              | raises ClientFailed: the process ends and is started again      |
| a missing or out-of-range offset        | raises OffsetMissing: a person decides                          |
| an undecodable message of our own       | aborts, raises UndecodableInternalMessage, keeps the offset     |
| a record that is not due yet (Hold)     | pauses its partition, the others go on                          |
| no broker answers                       | says so in the condition `consuming`, waits, goes on            |
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from signalbox_contracts.errors import UndecodableMessage
from signalbox_runtime import fault, logs, metrics
from signalbox_runtime.broker import (
    CommittedOffset,
    GroupConsumer,
    GroupMetadata,
    Kafka,
    Offsets,
    TransactionalProducer,
)
from signalbox_runtime.clock import Clock
from signalbox_runtime.errors import (
    KafkaFailure,
    KafkaUnavailable,
    OutcomeUnknown,
    TransactionAbortable,
    UndecodableInternalMessage,
)
from signalbox_runtime.process import S, Service
from signalbox_runtime.readiness import Readiness
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition
from signalbox_runtime.watchdog import Heart

BATCH_MAX_RECORDS = 500
POLL_TIMEOUT_SECONDS = 0.5
HOLD_STEP_MS = 20
"""A held partition rests this long at least: resuming it fetches anew, which must not happen per record."""
BACKOFF_FIRST_SECONDS = 0.01
BACKOFF_MAX_SECONDS = 1.0
FAILURES_NOT_READY = 3
"""Failures in a row before the service calls itself not ready: a rebalance aborts a transaction or two."""
CONDITION = "consuming"
log = structlog.get_logger()


class Hold(msgspec.Struct, frozen=True):
    """Not yet: the record and all that follow in its partition wait until `until_ms`, ms since 1970."""

    until_ms: int


class Transform(Protocol):
    """What a service does with records. Subclass it; only `handle` has to be written.

    Everything is called on the loop's thread. After an abort the same records come again, so memory that
    `handle` keeps must not mistake a record for its own repeat: compare offsets.
    """

    def assigned(self, begins: Mapping[TopicPartition, int]) -> None:
        """New partitions and the offset of the first record to come. Called inside the rebalance."""
        return

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Partitions that are no longer ours, given up or lost; what was committed stays."""
        return

    def prepare(self, batch: Sequence[Inbound]) -> None:
        """Called once per batch before its records are handled, e.g. to make views as new as the batch.

        A KafkaUnavailable raised here makes the loop wait and fetch the batch again.
        """
        return

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        """What `inbound` leads to. Any other exception than KafkaFailure ends the service."""
        ...


class LoopNames(msgspec.Struct, frozen=True):
    """Who the loop is to Kafka: group, transactional id (one per process), instance id (may be None)."""

    group: str
    transactional_id: str
    instance_id: str | None = None


class TransformLoop:
    """One member of the group; `run` returns when `stopping` is set."""

    def __init__(
        self,
        kafka: Kafka,
        names: LoopNames,
        topics: Sequence[str],
        transform: Transform,
        clock: Clock,
        readiness: Readiness,
        heart: Heart,
        stopping: threading.Event,
        batch_max_records: int = BATCH_MAX_RECORDS,
        poll_timeout_seconds: float = POLL_TIMEOUT_SECONDS,
    ) -> None:
        self._kafka = kafka
        self._names = names
        self._topics = tuple(topics)
        self._transform = transform
        self._clock = clock
        self._readiness = readiness
        self._heart = heart
        self._stopping = stopping
        self._batch_max_records = batch_max_records
        self._poll_timeout_seconds = poll_timeout_seconds
        self._holds: dict[TopicPartition, _Held] = {}
        self._failures_in_row = 0
        self._consumer: GroupConsumer
        self._producer: TransactionalProducer

    def run(self) -> None:
        """Raises ServiceRefused, ClientFailed, or what the transform raised."""
        self._readiness.unmet(CONDITION, f"starting: {self._names.transactional_id} is not initialised")
        self._producer = self._kafka.transactional_producer(self._names.transactional_id)
        try:
            self._initialise()
            self._consumer = self._kafka.group_consumer(self._names.group, self._names.instance_id)
            try:
                self._readiness.unmet(CONDITION, f"joining the consumer group {self._names.group}")
                self._consumer.subscribe(self._topics, self)
                while not self._stopping.is_set():
                    self._turn()
            finally:
                self._consumer.close()
        finally:
            self._producer.destroy()
            self._heart.stop()

    # --- told by the consumer, inside poll and close -----------------------------------------------

    def assigned(self, partitions: Offsets) -> None:
        log.info("assigned", partitions=_names(partitions))
        self._transform.assigned({place: begin.offset for place, begin in partitions.items()})
        self._count_partitions("assigned", partitions, 1)
        self._readiness.met(CONDITION)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        self._given_up("revoked", partitions)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self._given_up("lost", partitions)

    def _given_up(self, kind: str, partitions: Collection[TopicPartition]) -> None:
        log.info(kind, partitions=_names(partitions))
        for partition in partitions:
            if self._holds.pop(partition, None) is not None:
                metrics.HELD_PARTITIONS.labels(partition.topic).dec()
        self._count_partitions(kind, partitions, -1)
        self._transform.revoked(partitions)

    @staticmethod
    def _count_partitions(kind: str, partitions: Collection[TopicPartition], change: int) -> None:
        metrics.REBALANCES.labels(kind).inc()
        for partition in partitions:
            metrics.PARTITIONS.labels(partition.topic).inc(change)

    # --- one turn ----------------------------------------------------------------------------------

    def _turn(self) -> None:
        self._heart.beat()
        self._release_due()
        try:
            batch = self._consumer.poll(self._until_next_due_seconds(), self._batch_max_records)
        except KafkaUnavailable as unavailable:
            self._wait(unavailable)
            return
        if not batch:
            self._producer.poll()
            return
        metadata = self._consumer.group_metadata()
        try:
            self._transform.prepare(batch)
            holds = self._transact(batch, metadata)
        except OutcomeUnknown as unknown:
            metrics.TRANSACTIONS.labels("unknown").inc()
            self._renew_producer(unknown)
            self._rewind_to_committed(batch)
        except (TransactionAbortable, KafkaUnavailable) as failure:
            self._rewind(_first_offsets(batch))
            self._wait(failure)
        else:
            self._went_well()
            for partition, held in holds.items():
                self._hold(partition, held)

    def _transact(self, batch: Sequence[Inbound], metadata: GroupMetadata) -> "dict[TopicPartition, _Held]":
        transaction = _Transaction(self._producer, self._clock)
        holds: dict[TopicPartition, _Held] = {}
        undecodable: UndecodableInternalMessage | None = None
        try:
            for inbound in batch:
                place = TopicPartition(inbound.topic, inbound.partition)
                if place in holds:
                    continue
                try:
                    outcome = self._handled(inbound)
                except UndecodableInternalMessage as error:
                    # What came before it in the batch is done, and must not wait for a person.
                    undecodable = error
                    break
                if isinstance(outcome, Hold):
                    holds[place] = _Held(outcome.until_ms, inbound.offset)
                else:
                    transaction.add(inbound, outcome)
            transaction.commit(metadata)
        except OutcomeUnknown:
            raise
        except BaseException:
            transaction.abort()
            raise
        if undecodable is not None:
            raise undecodable
        return holds

    def _handled(self, inbound: Inbound) -> Outbox | Hold:
        logs.handling(inbound)
        try:
            return self._transform.handle(inbound)
        except UndecodableMessage as error:
            raise UndecodableInternalMessage(
                f"{inbound.place} can't be read by this release: {error} Its offset is kept; deploy a "
                "release that reads it."
            ) from error
        finally:
            logs.handling(None)

    # --- after a failure ---------------------------------------------------------------------------

    def _renew_producer(self, why: KafkaFailure) -> None:
        log.warning("producer is made anew", reason=str(why))
        self._readiness.unmet(CONDITION, str(why))
        self._producer.destroy()
        self._producer = self._kafka.transactional_producer(self._names.transactional_id)
        self._initialise()

    def _initialise(self) -> None:
        while not self._stopping.is_set():
            self._heart.beat()
            try:
                self._producer.initialise()
            except KafkaUnavailable as unavailable:
                self._wait(unavailable)
            else:
                return

    def _rewind_to_committed(self, batch: Sequence[Inbound]) -> None:
        """What the group committed says whether the unknown transaction counts."""
        while not self._stopping.is_set():
            self._heart.beat()
            owned = self._consumer.assignment() & _first_offsets(batch).keys()
            try:
                committed = self._consumer.committed(owned) if owned else {}
            except KafkaUnavailable as unavailable:
                self._wait(unavailable)
            else:
                self._rewind({place: begin.offset for place, begin in committed.items()})
                return

    def _rewind(self, offsets: Mapping[TopicPartition, int]) -> None:
        owned = self._consumer.assignment()
        for partition, offset in offsets.items():
            if partition in owned:
                self._consumer.seek(partition, offset)

    def _wait(self, failure: KafkaFailure) -> None:
        seconds = min(BACKOFF_FIRST_SECONDS * 2**self._failures_in_row, BACKOFF_MAX_SECONDS)
        self._failures_in_row = min(self._failures_in_row + 1, 10)
        log.warning("trying again", reason=str(failure), after_seconds=seconds)
        if self._failures_in_row >= FAILURES_NOT_READY:
            self._readiness.unmet(CONDITION, str(failure))
        self._stopping.wait(seconds)

    def _went_well(self) -> None:
        self._failures_in_row = 0
        self._readiness.met(CONDITION)

    # --- partitions whose next record is not due ----------------------------------------------------

    def _hold(self, partition: TopicPartition, held: "_Held") -> None:
        if partition not in self._consumer.assignment():
            return
        self._consumer.pause([partition])
        earliest = self._clock.now_ms() + HOLD_STEP_MS
        self._holds[partition] = _Held(max(held.until_ms, earliest), held.offset)
        metrics.HELD_PARTITIONS.labels(partition.topic).inc()

    def _release_due(self) -> None:
        if not self._holds:
            return
        now_ms = self._clock.now_ms()
        for partition, held in tuple(self._holds.items()):
            if held.until_ms <= now_ms:
                del self._holds[partition]
                metrics.HELD_PARTITIONS.labels(partition.topic).dec()
                self._consumer.resume(partition, held.offset)

    def _until_next_due_seconds(self) -> float:
        if not self._holds:
            return self._poll_timeout_seconds
        first_due_ms = min(held.until_ms for held in self._holds.values())
        return min(self._poll_timeout_seconds, max(0.0, (first_due_ms - self._clock.now_ms()) / 1000))


class _Held(msgspec.Struct, frozen=True):
    until_ms: int
    offset: int


class _Transaction:
    """What a batch's records lead to, from the first record handled to the commit."""

    def __init__(self, producer: TransactionalProducer, clock: Clock) -> None:
        self._producer = producer
        self._clock = clock
        self._began_at: float | None = None
        self._last: dict[TopicPartition, Inbound] = {}
        self._consumed: dict[str, int] = {}
        self._produced: dict[str, int] = {}

    def add(self, inbound: Inbound, outbox: Outbox) -> None:
        if self._began_at is None:
            self._producer.begin()
            self._began_at = self._clock.monotonic_seconds()
        fault.at("transform.before_produce")
        for record in outbox:
            self._producer.produce(record)
            self._count(record)
        self._last[TopicPartition(inbound.topic, inbound.partition)] = inbound
        self._consumed[inbound.topic] = self._consumed.get(inbound.topic, 0) + 1

    def commit(self, metadata: GroupMetadata) -> None:
        """The offsets are those of the records that were added, and no others."""
        if self._began_at is None:
            return
        offsets = {place: CommittedOffset(inbound.offset + 1) for place, inbound in self._last.items()}
        self._producer.send_offsets(offsets, metadata)
        fault.at("transform.before_commit")
        self._producer.commit()
        fault.at("transform.after_commit")
        self._report(self._clock.monotonic_seconds() - self._began_at)

    def abort(self) -> None:
        """Ends the transaction if one began. Raises OutcomeUnknown if that can't be known."""
        if self._began_at is not None:
            metrics.TRANSACTIONS.labels("aborted").inc()
            self._producer.abort()

    def _count(self, record: Outbound) -> None:
        self._produced[record.topic] = self._produced.get(record.topic, 0) + 1

    def _report(self, seconds: float) -> None:
        metrics.TRANSACTIONS.labels("committed").inc()
        metrics.TRANSACTION_SECONDS.observe(seconds)
        metrics.TRANSACTION_RECORDS.observe(sum(self._consumed.values()))
        for topic, count in self._consumed.items():
            metrics.RECORDS_CONSUMED.labels(topic).inc(count)
        for topic, count in self._produced.items():
            metrics.RECORDS_PRODUCED.labels(topic).inc(count)
        now_ms = self._clock.now_ms()
        for place, inbound in self._last.items():
            age_seconds = max(0, now_ms - inbound.timestamp_ms) / 1000
            metrics.CONSUMED_AGE_SECONDS.labels(place.topic).observe(age_seconds)


def run_transform(
    service: Service[S],
    topics: Sequence[str],
    transform: Transform,
    batch_max_records: int = BATCH_MAX_RECORDS,
) -> None:
    """Runs `transform` on `topics` as the group named like the service, until the service stops."""
    TransformLoop(
        kafka=service.kafka,
        names=LoopNames(service.name, service.slot_id, service.instance_id),
        topics=topics,
        transform=transform,
        clock=service.clock,
        readiness=service.readiness,
        heart=service.watchdog.heart(f"transform {service.name}"),
        stopping=service.stopping,
        batch_max_records=batch_max_records,
    ).run()


def _first_offsets(batch: Sequence[Inbound]) -> dict[TopicPartition, int]:
    first: dict[TopicPartition, int] = {}
    for inbound in batch:
        first.setdefault(TopicPartition(inbound.topic, inbound.partition), inbound.offset)
    return first


def _names(partitions: Collection[TopicPartition]) -> list[str]:
    return [f"{topic}-{number}" for topic, number in sorted(partitions)]
