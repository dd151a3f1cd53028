"""One transaction of the transform loop: records in, what they lead to, and the offsets that go with it."""

from signalbox_runtime import fault, metrics
from signalbox_runtime.clock import Clock
from signalbox_runtime.kafka.broker import CommittedOffset, GroupMetadata, TransactionalProducer
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition


class Transaction:
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

    def seconds(self) -> float:
        """How long the transaction has been open; 0 before its first record."""
        return 0.0 if self._began_at is None else self._clock.monotonic_seconds() - self._began_at

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
