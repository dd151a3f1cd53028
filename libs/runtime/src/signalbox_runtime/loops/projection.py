"""The third loop: a topic folded into a database that also keeps the offsets.

One database transaction holds a batch's rows and its offsets, so the two can't disagree; Kafka's group only
shares the partitions out. Who may write a partition is decided by the database too: `claim` takes it over
under a new epoch, and `store` refuses a batch of an old one, whatever a stalled member believes it owns.

The database is also the only one to know how far it came: one that crashed may have forgotten its last
commits. So after every failure the partitions rest until they are claimed again, and go on where it says.

Two threads: while the database keeps one batch, the next is consumed and folded. Nothing is on its way to the
database when partitions come or go: every change of the assignment waits for it first.
"""

import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import structlog

from signalbox_runtime import metrics
from signalbox_runtime.errors import KafkaUnavailable, RuntimeFailure
from signalbox_runtime.kafka.broker import CommittedOffset, GroupConsumer, Offsets
from signalbox_runtime.process.readiness import CONSUMING_CONDITION, DATABASE_CONDITION
from signalbox_runtime.process.shell import Service
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import Inbound, TopicPartition

BATCH_MAX_RECORDS = 10_000
"""Only a backlog fills it: the larger, the more facts of a run meet in memory and not in the database."""
LINGER_SECONDS = 0.02
"""Waited for more when few have come: a batch costs PostgreSQL about as much as fifty facts."""
LINGER_BELOW_RECORDS = 500
POLL_TIMEOUT_SECONDS = 0.5
CLAIM_AGAIN_SECONDS = 10.0
"""After a refusal. A member that the group has replaced knows by then; one that it has not was refused by a
person's work on the database, and takes its partitions over again."""
RETRY_FIRST_SECONDS = 0.1
RETRY_MAX_SECONDS = 5.0

P = TypeVar("P")
log = structlog.get_logger()


class DatabaseAway(RuntimeFailure):
    """The database does not answer; the batch was kept or not: the next claim tells."""


class OwnershipLost(RuntimeFailure):
    """Another instance has taken a partition over; of this one's batch nothing was kept."""


class Projection(Protocol[P]):
    """What a service folds its topic into. No two of its methods run at once, except `prepare`."""

    def claim(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Takes partitions over, and says which offset of each comes next. Raises DatabaseAway."""
        ...

    def prepare(self, batch: Sequence[Inbound]) -> P:
        """The batch as it goes to the database. Touches nothing; runs beside `store` of the one before."""
        ...

    def store(self, prepared: P) -> None:
        """Keeps the batch and its offsets. Raises DatabaseAway, or OwnershipLost."""
        ...


def run_projection(service: Service[Any], topics: Sequence[str], projection: Projection[P]) -> None:
    """Consumes `topics` as a member of the service's group until `service.stopping` is set."""
    consumer = service.kafka.group_consumer(service.name, service.instance_id)
    heart = service.watchdog.heart("projection")
    with ThreadPoolExecutor(1, "projection-store") as executor:
        loop = _Loop(service, projection, consumer, executor, heart)
        consumer.subscribe(topics, loop, loop.begins)
        try:
            while not service.stopping.is_set():
                heart.beat()
                loop.claim_again()
                loop.hand_over(loop.gather())
            loop.drain()
        finally:
            heart.stop()
            consumer.close()


class _Storing(NamedTuple):
    """A batch on its way into the database."""

    places: frozenset[TopicPartition]
    kept: Future[None]


class _Loop(Generic[P]):
    """Also the group's RebalanceListener."""

    def __init__(
        self,
        service: Service[Any],
        projection: Projection[P],
        consumer: GroupConsumer,
        executor: ThreadPoolExecutor,
        heart: Heart,
    ) -> None:
        self._heart = heart
        self._stopping = service.stopping
        self._readiness = service.readiness
        self._clock = service.clock
        self._projection = projection
        self._consumer = consumer
        self._executor = executor
        self._storing: _Storing | None = None
        self._resting: dict[TopicPartition, float] = {}
        """Paused partitions, and from when on to claim them again."""
        self._pause_seconds = RETRY_FIRST_SECONDS

    # --- partitions come and go ----------------------------------------------------------------------

    def begins(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, CommittedOffset]:
        self.drain()
        while not self._stopping.is_set():
            try:
                begins = self._projection.claim(partitions)
            except DatabaseAway as away:
                self._wait_for_database(away)
            else:
                self._readiness.met(DATABASE_CONDITION)
                return {partition: CommittedOffset(offset) for partition, offset in begins.items()}
        return {}

    def assigned(self, partitions: Offsets) -> None:
        self._changed("assigned", partitions)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        self.drain()
        self._changed("revoked", partitions)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        self.drain()
        self._changed("lost", partitions)

    def _changed(self, kind: str, partitions: Collection[TopicPartition]) -> None:
        for partition in partitions:
            self._resting.pop(partition, None)
        metrics.REBALANCES.labels(kind=kind).inc()
        log.info("partitions changed", kind=kind, partitions=_named(partitions))

    def claim_again(self) -> None:
        """Takes resting partitions over again that the group still gives to us."""
        now = self._clock.monotonic_seconds()
        due = [place for place, due_at in self._resting.items() if due_at <= now]
        owned = self._consumer.assignment().intersection(due)
        if not owned:
            return
        try:
            begins = self._projection.claim(owned)
        except DatabaseAway as away:
            self._wait_for_database(away)
            return
        self._readiness.met(DATABASE_CONDITION)
        for place, begin in begins.items():
            self._consumer.resume(place, begin)
            del self._resting[place]
        log.info("partitions claimed again", partitions=_named(owned))

    def _rest(self, places: Collection[TopicPartition], until_seconds: float) -> None:
        self._resting.update(dict.fromkeys(places, until_seconds))
        self._consumer.pause(places)

    # --- batches -------------------------------------------------------------------------------------

    def gather(self) -> list[Inbound]:
        """The next records of partitions that are ours."""
        try:
            batch = self._consumer.poll(POLL_TIMEOUT_SECONDS, BATCH_MAX_RECORDS)
            if batch and len(batch) < LINGER_BELOW_RECORDS:
                time.sleep(LINGER_SECONDS)
                batch += self._consumer.poll(0, BATCH_MAX_RECORDS - len(batch))
        except KafkaUnavailable as away:
            self._wait(CONSUMING_CONDITION, str(away), RETRY_FIRST_SECONDS)
            return []
        self._readiness.met(CONSUMING_CONDITION)
        owned = self._consumer.assignment() - self._resting.keys()
        return [inbound for inbound in batch if _place(inbound) in owned]

    def hand_over(self, batch: list[Inbound]) -> None:
        """Prepares the batch while the one before is kept, then has it kept."""
        if batch:
            prepared = self._projection.prepare(batch)
            self.drain()
            places = frozenset(map(_place, batch))
            if resting := self._resting.keys() & places:  # What came before it was not kept.
                self._rest(places, max(self._resting[place] for place in resting))
            else:
                self._storing = _Storing(places, self._executor.submit(self._store, batch, prepared))
        elif self._storing is not None and self._storing.kept.done():
            self.drain()

    def drain(self) -> None:
        """Until nothing is on its way to the database. Raises what went wrong there for good."""
        storing, self._storing = self._storing, None
        if storing is None:
            return
        try:
            storing.kept.result()
        except OwnershipLost as lost:
            log.warning("batch refused", reason=str(lost))
            self._rest(storing.places, self._clock.monotonic_seconds() + CLAIM_AGAIN_SECONDS)
        except DatabaseAway as away:
            # Earlier batches too may be forgotten, of any partition.
            self._rest(self._consumer.assignment(), self._clock.monotonic_seconds())
            self._wait_for_database(away)
        else:
            self._pause_seconds = RETRY_FIRST_SECONDS

    def _store(self, batch: list[Inbound], prepared: P) -> None:
        begun = self._clock.monotonic_seconds()
        self._projection.store(prepared)
        self._measure(batch, begun)

    def _measure(self, batch: list[Inbound], begun_seconds: float) -> None:
        metrics.TRANSACTIONS.labels(outcome="committed").inc()
        metrics.TRANSACTION_SECONDS.observe(self._clock.monotonic_seconds() - begun_seconds)
        metrics.TRANSACTION_RECORDS.observe(len(batch))
        metrics.RECORDS_CONSUMED.labels(topic=batch[0].topic).inc(len(batch))
        age_ms = max(self._clock.now_ms() - batch[0].timestamp_ms, 0)
        metrics.CONSUMED_AGE_SECONDS.labels(topic=batch[0].topic).observe(age_ms / 1000)

    def _wait_for_database(self, away: DatabaseAway) -> None:
        self._wait(DATABASE_CONDITION, str(away), self._pause_seconds)
        self._pause_seconds = min(self._pause_seconds * 2, RETRY_MAX_SECONDS)

    def _wait(self, condition: str, reason: str, seconds: float) -> None:
        self._readiness.unmet(condition, reason)
        log.warning("waiting", reason=reason)
        self._heart.beat()  # it waits, and does not hang
        self._stopping.wait(seconds)


def _place(inbound: Inbound) -> TopicPartition:
    return TopicPartition(inbound.topic, inbound.partition)


def _named(partitions: Collection[TopicPartition]) -> list[str]:
    return [f"{topic}-{partition}" for topic, partition in sorted(partitions)]
