"""How many records each of the system's consumer groups has not read yet."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Final

import structlog
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient

from signalbox_contracts import topics
from signalbox_runtime.broker import Kafka
from signalbox_runtime.errors import RuntimeFailure
from signalbox_runtime.records import TopicPartition

_TIMEOUT_SECONDS: Final = 10.0
MARKERS_MAX: Final = 2
"""The end of a transaction takes an offset that no reader gets: so few behind is none behind."""
log = structlog.get_logger()


class KafkaBehind:
    """Asks the cluster, one question at a time."""

    def __init__(self, kafka: Kafka, options: Mapping[str, str]) -> None:
        self._kafka = kafka
        self._options: dict[str, str | int | float | bool] = dict(options)
        self._one_at_a_time = threading.Lock()

    async def behind(self) -> dict[str, int]:
        return await asyncio.to_thread(self._behind)

    def _behind(self) -> dict[str, int]:
        with self._one_at_a_time:
            admin = AdminClient(self._options)
            read_by: dict[str, list[str]] = {}
            for topic in topics.all_topics():
                for group in topic.groups():
                    if group != "run-ledger":  # its offsets are in PostgreSQL
                        read_by.setdefault(group, []).append(topic.name)
            found: dict[str, int] = {}
            for group, names in read_by.items():
                try:
                    found[group] = self._unread(admin, group, names)
                except (KafkaException, RuntimeFailure) as error:
                    log.info("group can't be asked", group=group, reason=str(error))
            return found

    def _unread(self, admin: AdminClient, group: str, names: list[str]) -> int:
        queries = self._kafka.offsets()
        ends = queries.end_offsets(queries.partitions(names))
        asked = ConsumerGroupTopicPartitions(group, [KafkaPartition(*place) for place in ends])
        answer = admin.list_consumer_group_offsets([asked])[group].result(_TIMEOUT_SECONDS)
        unread = 0
        for each in answer.topic_partitions or []:
            behind = ends[TopicPartition(each.topic, each.partition)] - max(each.offset, 0)
            unread += behind if behind > MARKERS_MAX else 0
        return unread
