"""Kafka by librdkafka: the clients behind the interfaces of `broker`, with every setting they need."""

import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource

from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka import options as kafka_options
from signalbox_runtime.kafka.broker import (
    GroupConsumer,
    OffsetQueries,
    PartitionReader,
    TransactionalProducer,
)
from signalbox_runtime.kafka.consumer import ConfluentGroupConsumer, ConfluentReader
from signalbox_runtime.kafka.errors import error_of, plain
from signalbox_runtime.kafka.offsets import ConfluentOffsets
from signalbox_runtime.kafka.options import checked
from signalbox_runtime.kafka.producer import ConfluentProducer
from signalbox_runtime.records import TopicPartition

_FORBIDDEN = (KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED)
SETTINGS_TIMEOUT_SECONDS = 60.0
"""Asked once, and long enough never to be answered late."""
logger = logging.getLogger("librdkafka")


class ConfluentKafka:
    """Makes clients with the options given in the environment. Raises ServiceRefused for wrong options."""

    def __init__(self, given: Mapping[str, str], client_id: str) -> None:
        self._given = {**checked(given), "client.id": client_id}

    def group_consumer(
        self, group: str, instance_id: str | None = None, *, pauses: bool = False
    ) -> GroupConsumer:
        return ConfluentGroupConsumer(
            kafka_options.group_consumer(self._given, group, instance_id, pauses=pauses)
        )

    def transactional_producer(self, transactional_id: str) -> TransactionalProducer:
        return ConfluentProducer(kafka_options.producer(self._given, transactional_id))

    def reader(self, begin: Mapping[TopicPartition, int]) -> PartitionReader:
        return ConfluentReader(kafka_options.reader(self._given), begin)

    def offsets(self) -> OffsetQueries:
        return ConfluentOffsets(kafka_options.reader(self._given))


class ConfluentBrokers:
    """Fulfils broker_probe.Brokers."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._admin = _admin_client(kafka_options.admin(checked(given)))

    def ping(self, timeout_seconds: float) -> None:
        # By metadata, not by an admin call: one that is answered late aborts the process (see kafka_offsets).
        try:
            self._admin.list_topics(timeout=timeout_seconds)
        except KafkaException as exception:
            raise plain("ping", error_of(exception)) from exception

    def offsets_retention_minutes(self, timeout_seconds: float) -> int | None:
        try:
            brokers = self._admin.list_topics(timeout=timeout_seconds).brokers
            resource = ConfigResource(ConfigResource.Type.BROKER, str(min(brokers)))
            asked = self._admin.describe_configs([resource], request_timeout=SETTINGS_TIMEOUT_SECONDS)
            settings = asked[resource].result(SETTINGS_TIMEOUT_SECONDS * 2)
        except TimeoutError as error:
            raise KafkaUnavailable("asking for settings: no answer in time") from error
        except KafkaException as exception:
            if error_of(exception).code() not in _FORBIDDEN:
                raise plain("asking for settings", error_of(exception)) from exception
            logger.warning("the brokers' settings could not be checked: %s", error_of(exception).str())
            return None
        return int(settings["offsets.retention.minutes"].value)


def _admin_client(options: kafka_options.Options) -> AdminClient:
    with_logger: dict[str, Any] = {**options, "logger": logger}
    return AdminClient(with_logger)
