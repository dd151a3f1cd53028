"""The relay's side of Kafka: take over from whoever sent before, then one transaction per batch.

All calls block and belong to one thread.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import OutboxPosition
from signalbox_runtime import fault
from signalbox_runtime.outbox.errors import RelayLogFailed
from signalbox_runtime.records import Outbound

CALL_TIMEOUT_SECONDS: Final = 15.0
POSITIONS_TIMEOUT_SECONDS: Final = 60.0
MESSAGE_MAX_BYTES: Final = 4_194_304


class RelayLog(Protocol):
    """Where a relay sends to."""

    def take_over(self) -> OutboxPosition | None:
        """Ends what an earlier relay of the same name left open, and tells how far it came."""
        ...

    def send(self, records: Sequence[Outbound], position: OutboxPosition) -> None:
        """Sends `records` and the new position, all or nothing. Raises RelayLogFailed when in doubt."""
        ...

    def close(self) -> None:
        """Gives the connection up; what is open is aborted by the next `take_over`."""
        ...


RelayLogFactory = Callable[[], RelayLog]


class KafkaRelayLog:
    """A relay's connection to Kafka, usable until its first failure."""

    def __init__(self, name: str, bootstrap: str, options: Mapping[str, str] | None = None) -> None:
        self._name = name
        self._shared: dict[str, Any] = {**(options or {}), "bootstrap.servers": bootstrap}
        self._producer = Producer(
            {
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 1,
                "retry.backoff.ms": 1,
                "retry.backoff.max.ms": 5,
                "partitioner": "murmur2_random",
                "message.max.bytes": MESSAGE_MAX_BYTES,
                **self._shared,
                "transactional.id": f"{name}-outbox",
                "transaction.timeout.ms": 10_000,
            }
        )
        self._refused: KafkaError | None = None

    def take_over(self) -> OutboxPosition | None:
        """Fences the relay before this one, then reads `outbox.positions` to the end it had after that."""
        try:
            self._producer.init_transactions(CALL_TIMEOUT_SECONDS)
            return self._read_position()
        except KafkaException as error:
            raise RelayLogFailed(f"Relay {self._name} can't take over: {error.args[0].str()}") from error

    def send(self, records: Sequence[Outbound], position: OutboxPosition) -> None:
        fault.at("relay.before_send")
        try:
            self._producer.begin_transaction()
            for record in records:
                self._produce(record)
            self._produce(Outbound(topics.OUTBOX_POSITIONS, self._name.encode(), codec.encode(position)))
            self._producer.flush(CALL_TIMEOUT_SECONDS)
            if self._refused is not None:
                raise KafkaException(self._refused)
            fault.at("relay.before_commit")
            self._producer.commit_transaction(CALL_TIMEOUT_SECONDS)
        except (KafkaException, BufferError) as error:
            raise RelayLogFailed(
                f"Relay {self._name} could not send up to row {position.last_id}: {error}"
            ) from error
        fault.at("relay.after_commit")

    def close(self) -> None:
        self._producer.purge()
        self._producer.flush(0)

    def _produce(self, record: Outbound) -> None:
        # The stubs want bytes; None is a tombstone.
        value: Any = record.value
        self._producer.produce(
            record.topic, value, record.key, headers=list(record.headers), on_delivery=self._delivered
        )
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._refused is None:
            self._refused = error

    def _read_position(self) -> OutboxPosition | None:
        """The last position of this relay.

        The end is the one of uncommitted reading: another relay's open transaction hides our committed
        position from committed reading until it ends, so that end has to be waited for.
        """
        found: OutboxPosition | None = None
        consumer = Consumer(
            {
                **self._shared,
                "group.id": f"{self._name}-outbox",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            ends = self._ends()
            consumer.assign([TopicPartition(topics.OUTBOX_POSITIONS, partition, 0) for partition in ends])
            missing = {partition for partition, end in ends.items() if end > 0}
            deadline = time.monotonic() + POSITIONS_TIMEOUT_SECONDS
            while missing:
                if time.monotonic() > deadline:
                    raise RelayLogFailed(
                        f"Relay {self._name} could not read outbox.positions to its end within "
                        f"{POSITIONS_TIMEOUT_SECONDS:.0f} s; another relay's transaction may be open."
                    )
                message = consumer.poll(0.2)
                if message is None:
                    continue
                error = message.error()
                partition, offset = message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                if error is None:
                    if message.key() == self._name.encode():
                        value = message.value()
                        found = None if value is None else codec.decode(value, OutboxPosition)
                    reached = offset + 1
                elif error.code() == KafkaError._PARTITION_EOF:
                    reached = offset
                else:
                    raise KafkaException(error)
                if reached >= ends[partition]:
                    missing.discard(partition)
        finally:
            consumer.close()
        return found

    def _ends(self) -> dict[int, int]:
        admin = AdminClient(self._shared)
        metadata = admin.list_topics(topics.OUTBOX_POSITIONS, CALL_TIMEOUT_SECONDS)
        described = metadata.topics[topics.OUTBOX_POSITIONS]
        if described.error is not None:
            raise KafkaException(described.error)
        asked = admin.list_offsets(
            {
                TopicPartition(topics.OUTBOX_POSITIONS, partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]
                for partition in described.partitions
            },
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=CALL_TIMEOUT_SECONDS,
        )
        return {place.partition: future.result().offset for place, future in asked.items()}
