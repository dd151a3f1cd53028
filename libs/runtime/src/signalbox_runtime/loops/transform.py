"""The loop `a batch in, a transaction out`.

A turn polls a batch, lets the transform handle each record, and commits what they led to together with
their offsets in one transaction. Polling and transactions take turns on one thread, so a rebalance (which
happens inside a poll) never meets an open transaction.

| what happens                            | what the loop does                                              |
|-----------------------------------------|-----------------------------------------------------------------|
| commit succeeds                         | goes on                                                         |
| an abortable error, e.g. stale member   | aborts, rewinds the batch's partitions, tries half of it again  |
| a call's outcome stays unknown          | new producer of the same id, rewinds to the committed offsets   |
| fenced, or failed for good              | raises ClientFailed: the process ends and is started again      |
| a missing or out-of-range offset        | raises OffsetMissing: a person decides                          |
| an undecodable message of our own       | aborts, raises UndecodableInternalMessage, keeps the offset     |
| a record that is not due yet (Hold)     | pauses its partition, the others go on                          |
| handling takes TRANSACTION_SECONDS_MAX  | commits what is done, the rest of the batch comes again         |
| no broker answers                       | says so in the condition `consuming`, waits, goes on            |
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog

from signalbox_contracts.errors import UndecodableMessage
from signalbox_runtime import metrics
from signalbox_runtime.clock import Clock
from signalbox_runtime.errors import (
    KafkaFailure,
    KafkaUnavailable,
    OutcomeUnknown,
    TransactionAbortable,
    UndecodableInternalMessage,
)
from signalbox_runtime.kafka.broker import (
    GroupConsumer,
    GroupMetadata,
    Kafka,
    Offsets,
    TransactionalProducer,
)
from signalbox_runtime.loops.holds import Held, Hold, Holds
from signalbox_runtime.loops.transaction import Transaction
from signalbox_runtime.process import logs
from signalbox_runtime.process.readiness import CONSUMING_CONDITION, Readiness
from signalbox_runtime.process.shell import S, Service
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import Inbound, Outbox, TopicPartition

BATCH_MAX_RECORDS = 500
TRANSACTION_SECONDS_MAX = 1.0
"""A transaction that outlives `transaction.timeout.ms` (10 s) never commits, and the same batch would come
for ever: what is not handled by then is left to the next one. One record may take the other nine seconds."""
POLL_TIMEOUT_SECONDS = 0.5
BACKOFF_FIRST_SECONDS = 0.01
BACKOFF_MAX_SECONDS = 1.0
FAILURES_NOT_READY = 3
"""Failures in a row before the service calls itself not ready: a rebalance aborts a transaction or two."""
log = structlog.get_logger()


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
        *,
        pauses: bool = False,
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
        self._batch_records = batch_max_records
        """Halved by an abort, doubled by a commit: a batch may be what a transaction can't bear."""
        self._poll_timeout_seconds = poll_timeout_seconds
        self._pauses = pauses
        self._holds = Holds()
        self._failures_in_row = 0
        self._consumer: GroupConsumer
        self._producer: TransactionalProducer

    def run(self) -> None:
        """Raises ServiceRefused, ClientFailed, or what the transform raised."""
        self._readiness.unmet(
            CONSUMING_CONDITION, f"starting: {self._names.transactional_id} is not initialised"
        )
        self._producer = self._kafka.transactional_producer(self._names.transactional_id)
        try:
            self._initialise()
            self._consumer = self._kafka.group_consumer(
                self._names.group, self._names.instance_id, pauses=self._pauses
            )
            try:
                self._readiness.unmet(CONSUMING_CONDITION, f"joining the consumer group {self._names.group}")
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
        # To refill memories of many partitions takes long, and gives up by itself.
        self._heart.stop()
        self._transform.assigned({place: begin.offset for place, begin in partitions.items()})
        self._heart.beat()
        self._count_partitions("assigned", partitions, 1)
        self._readiness.met(CONSUMING_CONDITION)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        self._given_up("revoked", partitions)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self._given_up("lost", partitions)

    def _given_up(self, kind: str, partitions: Collection[TopicPartition]) -> None:
        log.info(kind, partitions=_names(partitions))
        for partition in partitions:
            self._holds.drop(partition)
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
        timeout_seconds = self._holds.until_first_due_seconds(
            self._clock.now_ms(), self._poll_timeout_seconds
        )
        try:
            batch = self._consumer.poll(timeout_seconds, self._batch_records)
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
            self._halve()
            self._renew_producer(unknown)
            self._rewind_to_committed(batch)
        except (TransactionAbortable, KafkaUnavailable) as failure:
            self._rewind(_first_offsets(batch))
            self._halve()
            self._wait(failure)
        else:
            self._went_well()
            for partition, held in holds.items():
                self._hold(partition, held)

    def _transact(self, batch: Sequence[Inbound], metadata: GroupMetadata) -> dict[TopicPartition, Held]:
        transaction = Transaction(self._producer, self._clock)
        holds: dict[TopicPartition, Held] = {}
        undecodable: UndecodableInternalMessage | None = None
        left: Sequence[Inbound] = ()
        try:
            for index, inbound in enumerate(batch):
                place = TopicPartition(inbound.topic, inbound.partition)
                if place in holds:
                    continue
                if transaction.seconds() > TRANSACTION_SECONDS_MAX:
                    left = batch[index:]
                    break
                self._heart.beat()
                try:
                    outcome = self._handled(inbound)
                except UndecodableInternalMessage as error:
                    # What came before it in the batch is done, and must not wait for a person.
                    undecodable = error
                    break
                if isinstance(outcome, Hold):
                    holds[place] = Held(outcome.until_ms, inbound.offset)
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
        self._rewind(_first_offsets(left))
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
        self._readiness.unmet(CONSUMING_CONDITION, str(why))
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
            self._readiness.unmet(CONSUMING_CONDITION, str(failure))
        self._stopping.wait(seconds)

    def _halve(self) -> None:
        self._batch_records = max(1, self._batch_records // 2)

    def _went_well(self) -> None:
        self._failures_in_row = 0
        self._batch_records = min(self._batch_records * 2, self._batch_max_records)
        self._readiness.met(CONSUMING_CONDITION)

    # --- partitions whose next record is not due ----------------------------------------------------

    def _hold(self, partition: TopicPartition, held: Held) -> None:
        if partition in self._consumer.assignment():
            self._consumer.pause([partition])
            self._holds.hold(partition, held, self._clock.now_ms())

    def _release_due(self) -> None:
        for partition, offset in self._holds.release(self._clock.now_ms()).items():
            self._consumer.resume(partition, offset)


def run_transform(
    service: Service[S],
    topics: Sequence[str],
    transform: Transform,
    batch_max_records: int = BATCH_MAX_RECORDS,
    *,
    pauses: bool = False,
) -> None:
    """Runs `transform` on `topics` as the group named like the service, until the service stops.

    `pauses` says that it answers with Hold as a matter of course: held partitions are then fetched soon
    after their time.
    """
    service.readiness.unmet(CONSUMING_CONDITION, f"joining the consumer group {service.name}")
    service.started()
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
        pauses=pauses,
    ).run()


def _first_offsets(batch: Sequence[Inbound]) -> dict[TopicPartition, int]:
    first: dict[TopicPartition, int] = {}
    for inbound in batch:
        first.setdefault(TopicPartition(inbound.topic, inbound.partition), inbound.offset)
    return first


def _names(partitions: Collection[TopicPartition]) -> list[str]:
    return [f"{topic}-{number}" for topic, number in sorted(partitions)]
