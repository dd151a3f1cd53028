"""The transactional producer by librdkafka."""

import logging
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaPartition

from signalbox_runtime.errors import ClientFailed, KafkaUnavailable, ServiceRefused, TransactionAbortable
from signalbox_runtime.kafka.broker import GroupMetadata, Offsets
from signalbox_runtime.kafka.errors import error_of, plain, transactional
from signalbox_runtime.kafka.options import Options
from signalbox_runtime.kafka.record_sizes import size_limit, size_of
from signalbox_runtime.records import Outbound

CALL_TIMEOUT_SECONDS = 12.0
"""Longer than the transaction's own timeout: after this the broker has aborted it or never will commit it."""
INITIALISE_TIMEOUT_SECONDS = 10.0
_QUEUE_FULL_WAIT_SECONDS = 0.1
_QUEUE_FULL_TRIES = 100
logger = logging.getLogger("librdkafka")


class ConfluentProducer:
    """Fulfils broker.TransactionalProducer."""

    def __init__(self, options: Options) -> None:
        self._fatal: KafkaError | None = None
        self._producer: Producer | None = Producer({**options, "error_cb": self._error, "logger": logger})

    def initialise(self) -> None:
        try:
            self._client().init_transactions(INITIALISE_TIMEOUT_SECONDS)
        except KafkaException as exception:
            raise plain("init_transactions", error_of(exception)) from exception

    def begin(self) -> None:
        self._transactional("begin_transaction", self._client().begin_transaction)

    def produce(self, record: Outbound) -> None:
        size = size_of(record)
        limit = size_limit(record.topic)
        if size > limit:
            raise ServiceRefused(
                f"A record for {record.topic} has {size} bytes, the topic takes {limit}. It was not sent."
            )
        client = self._client()
        for _ in range(_QUEUE_FULL_TRIES):
            try:
                # By position and without what is not there: half the time of the call.
                if record.headers:
                    client.produce(record.topic, record.value, record.key, headers=list(record.headers))
                else:
                    client.produce(record.topic, record.value, record.key)
            except BufferError:
                client.poll(_QUEUE_FULL_WAIT_SECONDS)
            except KafkaException as exception:
                raise transactional(f"produce to {record.topic}", error_of(exception)) from exception
            else:
                return
        raise TransactionAbortable(f"produce to {record.topic}: the queue did not empty in time")

    def send_offsets(self, offsets: Offsets, metadata: GroupMetadata) -> None:
        positions = [
            KafkaPartition(topic, partition, committed.offset, committed.metadata)
            for (topic, partition), committed in offsets.items()
        ]
        client = self._client()
        self._transactional(
            "send_offsets_to_transaction",
            lambda: client.send_offsets_to_transaction(positions, metadata, CALL_TIMEOUT_SECONDS),
        )

    def commit(self) -> None:
        client = self._client()
        self._transactional("commit_transaction", lambda: client.commit_transaction(CALL_TIMEOUT_SECONDS))

    def abort(self) -> None:
        client = self._client()
        self._transactional("abort_transaction", lambda: client.abort_transaction(CALL_TIMEOUT_SECONDS))

    def poll(self) -> None:
        self._client().poll(0)
        if self._fatal is not None:
            raise ClientFailed(f"The producer failed for good: {self._fatal.str()}")

    def destroy(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge(blocking=False)

    def _client(self) -> Producer:
        if self._producer is None:
            raise KafkaUnavailable("This producer was destroyed; make a new one.")
        return self._producer

    def _error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = error
        else:
            logger.warning("producer: %s", error.str())

    @staticmethod
    def _transactional(doing: str, call: Callable[[], None]) -> None:
        try:
            call()
        except KafkaException as exception:
            raise transactional(doing, error_of(exception)) from exception
