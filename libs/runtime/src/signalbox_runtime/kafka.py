"""Kafka by librdkafka: the clients behind the interfaces of `broker`, with every setting they need."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec

from signalbox_runtime import kafka_options
from signalbox_runtime.broker import GroupConsumer, OffsetQueries, PartitionReader, TransactionalProducer
from signalbox_runtime.errors import KafkaUnavailable, ServiceRefused
from signalbox_runtime.group_offsets import committed_offsets
from signalbox_runtime.kafka_consumer import ConfluentGroupConsumer, ConfluentReader
from signalbox_runtime.kafka_errors import error_of, plain
from signalbox_runtime.kafka_options import checked
from signalbox_runtime.kafka_producer import ConfluentProducer
from signalbox_runtime.records import TopicPartition

QUERY_TIMEOUT_SECONDS = 10.0
TOPIC_WAIT_SECONDS = 10.0
"""A broker learns of a new topic a moment after the controller made it, one that starts a moment more."""
_TOPIC_PAUSE_SECONDS = 0.2
_FORBIDDEN = (KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)
logger = logging.getLogger("librdkafka")


class ConfluentKafka:
    """Makes clients with the options given in the environment. Raises ServiceRefused for wrong options."""

    def __init__(self, given: Mapping[str, str], client_id: str) -> None:
        self._given = {**checked(given), "client.id": client_id}

    def group_consumer(self, group: str, instance_id: str | None = None) -> GroupConsumer:
        return ConfluentGroupConsumer(kafka_options.group_consumer(self._given, group, instance_id))

    def transactional_producer(self, transactional_id: str) -> TransactionalProducer:
        return ConfluentProducer(kafka_options.producer(self._given, transactional_id))

    def reader(self, begin: Mapping[TopicPartition, int]) -> PartitionReader:
        return ConfluentReader(kafka_options.reader(self._given), begin)

    def offsets(self) -> OffsetQueries:
        return ConfluentOffsets(kafka_options.admin(self._given))


class ConfluentOffsets:
    """Questions about offsets, by an admin client."""

    def __init__(self, options: kafka_options.Options) -> None:
        self._options = options
        self._admin = _admin_client(options)

    def partitions(self, topics: Sequence[str]) -> tuple[TopicPartition, ...]:
        give_up_at = time.monotonic() + TOPIC_WAIT_SECONDS
        while True:
            try:
                known = self._admin.list_topics(timeout=QUERY_TIMEOUT_SECONDS).topics
            except KafkaException as exception:
                raise plain("asking for the topics", error_of(exception)) from exception
            missing = sorted(set(topics) - known.keys())
            if not missing:
                break
            if time.monotonic() > give_up_at:
                names = ", ".join(missing)
                raise ServiceRefused(f"Kafka has no topic {names}: run `signalbox topics apply`.")
            time.sleep(_TOPIC_PAUSE_SECONDS)
        return tuple(
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(known[topic].partitions)
        )

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        latest: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        return self._offsets(partitions, latest, IsolationLevel.READ_UNCOMMITTED)

    def begin_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def offsets_at(self, partitions: Iterable[TopicPartition], time_ms: int) -> dict[TopicPartition, int]:
        found = self._offsets(partitions, OffsetSpec.for_timestamp(time_ms))
        none_so_late = [partition for partition, offset in found.items() if offset < 0]
        return {**found, **self.end_offsets(none_so_late)}

    def written_offsets_at(
        self, partitions: Iterable[TopicPartition], time_ms: int
    ) -> dict[TopicPartition, int]:
        spec = OffsetSpec.for_timestamp(time_ms)
        found = self._offsets(partitions, spec, IsolationLevel.READ_UNCOMMITTED)
        none_so_late = [partition for partition, offset in found.items() if offset < 0]
        return {**found, **self.written_offsets(none_so_late)}

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        places = [KafkaPartition(*partition) for partition in partitions]
        try:
            return committed_offsets(self._options, group, places)
        except KafkaException as exception:
            raise plain(f"asking for the offsets of {group}", error_of(exception)) from exception

    def _offsets(
        self,
        partitions: Iterable[TopicPartition],
        spec: Any,
        isolation_level: IsolationLevel = IsolationLevel.READ_COMMITTED,
    ) -> dict[TopicPartition, int]:
        asked = {KafkaPartition(topic, number): spec for topic, number in partitions}
        if not asked:
            return {}
        try:
            futures = self._admin.list_offsets(
                asked,
                isolation_level=isolation_level,
                request_timeout=QUERY_TIMEOUT_SECONDS,
            )
            return {
                TopicPartition(partition.topic, partition.partition): future.result(
                    QUERY_TIMEOUT_SECONDS
                ).offset
                for partition, future in futures.items()
            }
        except KafkaException as exception:
            # The client keeps the leader epochs it once learnt: after a broker was killed and came back
            # with newer ones it would be refused for ever (measured), so the next question is a new one's.
            self._admin = _admin_client(self._options)
            raise plain("asking for offsets", error_of(exception)) from exception
        except TimeoutError as silence:
            raise KafkaUnavailable("asking for offsets: no answer in time") from silence


class ConfluentBrokers:
    """Fulfils broker_probe.Brokers."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._admin = _admin_client(kafka_options.admin(checked(given)))

    def ping(self, timeout_seconds: float) -> None:
        self._answer("ping", self._admin.describe_cluster(request_timeout=timeout_seconds), timeout_seconds)

    def offsets_retention_minutes(self, timeout_seconds: float) -> int | None:
        nodes = self._answer(
            "asking for the brokers",
            self._admin.describe_cluster(request_timeout=timeout_seconds),
            timeout_seconds,
        ).nodes
        resource = ConfigResource(ConfigResource.Type.BROKER, str(nodes[0].id))
        asked = self._admin.describe_configs([resource], request_timeout=timeout_seconds)[resource]
        try:
            settings = self._answer("asking for settings", asked, timeout_seconds)
        except KafkaException as forbidden:
            logger.warning("the brokers' settings could not be checked: %s", error_of(forbidden).str())
            return None
        return int(settings["offsets.retention.minutes"].value)

    @staticmethod
    def _answer(doing: str, future: Any, timeout_seconds: float) -> Any:
        try:
            return future.result(timeout_seconds * 2)
        except TimeoutError as error:
            raise KafkaUnavailable(f"{doing}: no answer in time") from error
        except KafkaException as exception:
            if error_of(exception).code() in _FORBIDDEN:
                raise
            raise plain(doing, error_of(exception)) from exception


def _admin_client(options: kafka_options.Options) -> AdminClient:
    with_logger: dict[str, Any] = {**options, "logger": logger}
    return AdminClient(with_logger)
