"""The third loop: a topic folded into a database that also keeps the offsets.

One database transaction holds a batch's rows and its offsets, so the two can't disagree; Kafka's group only
shares the partitions out. Who may write a partition is decided by the database too: `claim` takes it over
under a new epoch, and `store` refuses a batch of an old one, whatever a stalled member believes it owns.
"""

import time
from collections.abc import Collection, Sequence
from typing import Protocol

import structlog

from signalbox_runtime import metrics
from signalbox_runtime.broker import CommittedOffset, GroupConsumer, Offsets
from signalbox_runtime.errors import KafkaUnavailable, RuntimeFailure
from signalbox_runtime.process import S, Service
from signalbox_runtime.readiness import Readiness
from signalbox_runtime.records import Inbound, TopicPartition
from signalbox_runtime.watchdog import Heart

log = structlog.get_logger()


class DatabaseAway(RuntimeFailure):
    """The database does not answer; nothing of the batch was kept, or it counts: store it again."""


class OwnershipLost(RuntimeFailure):
    """Another instance has taken a partition over; of this one's batch nothing was kept."""


class Projection(Protocol):
    """What a service folds its topic into. Everything happens on the loop's thread."""

    def claim(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Takes partitions over, and says which offset of each comes next. Raises DatabaseAway."""
        ...

    def store(self, batch: Sequence[Inbound]) -> None:
        """Keeps the batch and its offsets. Raises DatabaseAway, or OwnershipLost."""
        ...


class ProjectionLimits:
    """How records are gathered into batches."""

    BATCH_MAX_RECORDS = 4_000
    LINGER_SECONDS = 0.02
    """Waited for more when few have come: a batch costs PostgreSQL about as much as fifty facts."""
    LINGER_BELOW_RECORDS = 500
    POLL_TIMEOUT_SECONDS = 0.5
    CLAIM_AGAIN_SECONDS = 10.0
    """After a refusal. A member that the group has replaced knows by then; one that it has not was refused
    by a person's work on the database, and takes its partitions over again."""
    RETRY_FIRST_SECONDS = 0.1
    RETRY_MAX_SECONDS = 5.0


def run_projection(service: Service[S], topics: Sequence[str], projection: Projection) -> None:
    """Consumes `topics` as a member of the service's group until `service.stopping` is set."""
    heart = service.watchdog.heart("projection")
    loop = _Loop(service, projection, heart)
    consumer = service.kafka.group_consumer(service.name, service.instance_id)
    consumer.subscribe(topics, loop, loop.begins)
    try:
        while not service.stopping.is_set():
            heart.beat()
            loop.claim_again(consumer)
            batch = loop.gather(consumer)
            if batch:
                loop.store(batch)
    finally:
        heart.stop()
        consumer.close()


class _Loop:
    """Also the group's RebalanceListener: between two polls nothing is in flight, nothing to drain."""

    def __init__(self, service: Service[S], projection: Projection, heart: Heart) -> None:
        self._heart = heart
        self._stopping = service.stopping
        self._readiness: Readiness = service.readiness
        self._clock = service.clock
        self._projection = projection
        self._refused: dict[TopicPartition, float] = {}

    def begins(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, CommittedOffset]:
        while not self._stopping.is_set():
            try:
                return {
                    partition: CommittedOffset(offset)
                    for partition, offset in self._projection.claim(partitions).items()
                }
            except DatabaseAway as away:
                self._wait(str(away), ProjectionLimits.RETRY_FIRST_SECONDS)
        return {}

    def assigned(self, partitions: Offsets) -> None:
        self._forget_refusal(partitions)
        metrics.REBALANCES.labels(kind="assigned").inc()
        log.info("partitions assigned", partitions=_named(partitions))

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        self._given_up("revoked", partitions)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self._given_up("lost", partitions)

    def _given_up(self, kind: str, partitions: Collection[TopicPartition]) -> None:
        self._forget_refusal(partitions)
        metrics.REBALANCES.labels(kind=kind).inc()
        log.info("partitions given up", kind=kind, partitions=_named(partitions))

    def _forget_refusal(self, partitions: Collection[TopicPartition]) -> None:
        for partition in partitions:
            self._refused.pop(partition, None)

    def claim_again(self, consumer: GroupConsumer) -> None:
        """Takes refused partitions over again that the group still gives to us."""
        now = self._clock.monotonic_seconds()
        due = [
            place
            for place, since in self._refused.items()
            if now - since >= ProjectionLimits.CLAIM_AGAIN_SECONDS
        ]
        owned = consumer.assignment().intersection(due)
        if not owned:
            return
        for place, begin in self.begins(owned).items():
            consumer.seek(place, begin.offset)
            self._refused.pop(place, None)
        log.info("partitions claimed again", partitions=_named(owned))

    def gather(self, consumer: GroupConsumer) -> list[Inbound]:
        limits = ProjectionLimits
        try:
            batch = consumer.poll(limits.POLL_TIMEOUT_SECONDS, limits.BATCH_MAX_RECORDS)
            if batch and len(batch) < limits.LINGER_BELOW_RECORDS:
                owned = consumer.assignment()
                time.sleep(limits.LINGER_SECONDS)
                batch += consumer.poll(0, limits.BATCH_MAX_RECORDS - len(batch))
                if consumer.assignment() != owned:
                    return self._still_owned(consumer, batch)
        except KafkaUnavailable as away:
            self._wait(str(away), limits.RETRY_FIRST_SECONDS)
            return []
        return [inbound for inbound in batch if _place(inbound) not in self._refused] if batch else []

    def _still_owned(self, consumer: GroupConsumer, batch: list[Inbound]) -> list[Inbound]:
        """After a rebalance in the middle: a partition that came anew begins where the database says."""
        owned = consumer.assignment()
        return [
            inbound for inbound in batch if _place(inbound) in owned and _place(inbound) not in self._refused
        ]

    def store(self, batch: list[Inbound]) -> None:
        """Keeps the batch, for as long as it takes the database to answer."""
        pause_seconds = ProjectionLimits.RETRY_FIRST_SECONDS
        while not self._stopping.is_set():
            try:
                begun = self._clock.monotonic_seconds()
                self._projection.store(batch)
            except OwnershipLost as lost:
                # The group has not told us yet; until it does, these partitions are somebody else's.
                now = self._clock.monotonic_seconds()
                self._refused.update((_place(inbound), now) for inbound in batch)
                log.warning("batch refused", reason=str(lost))
                return
            except DatabaseAway as away:
                self._wait(str(away), pause_seconds)
                pause_seconds = min(pause_seconds * 2, ProjectionLimits.RETRY_MAX_SECONDS)
            else:
                self._readiness.met("database")
                self._measure(batch, begun)
                return

    def _measure(self, batch: list[Inbound], begun_seconds: float) -> None:
        metrics.TRANSACTIONS.labels(outcome="committed").inc()
        metrics.TRANSACTION_SECONDS.observe(self._clock.monotonic_seconds() - begun_seconds)
        metrics.TRANSACTION_RECORDS.observe(len(batch))
        metrics.RECORDS_CONSUMED.labels(topic=batch[0].topic).inc(len(batch))
        age_ms = max(self._clock.now_ms() - batch[0].timestamp_ms, 0)
        metrics.CONSUMED_AGE_SECONDS.labels(topic=batch[0].topic).observe(age_ms / 1000)

    def _wait(self, reason: str, seconds: float) -> None:
        self._readiness.unmet("database", reason)
        log.warning("waiting", reason=reason)
        # Waiting for a database, however long, is no standstill.
        self._heart.beat()
        self._stopping.wait(seconds)


def _place(inbound: Inbound) -> TopicPartition:
    return TopicPartition(inbound.topic, inbound.partition)


def _named(partitions: Collection[TopicPartition]) -> list[str]:
    return [f"{topic}-{partition}" for topic, partition in sorted(partitions)]
