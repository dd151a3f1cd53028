"""Questions about offsets, asked through consumers that never consume.

librdkafka's admin client could be asked the same, but it aborted the whole process when an answer was late
(`rd_kafka_admin_response_parse: Assertion rko_result failed`, seen in four services at once on a busy
machine), and after a broker came back it went on asking with the leader epochs it had learnt before.
"""

import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition

from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.kafka.errors import error_of, plain
from signalbox_runtime.kafka.group_offsets import committed_offsets
from signalbox_runtime.kafka.options import Options
from signalbox_runtime.records import TopicPartition

QUERY_TIMEOUT_SECONDS = 10.0
TOPIC_WAIT_SECONDS = 10.0
"""A broker learns of a new topic a moment after the controller made it, one that starts a moment more."""
_TOPIC_PAUSE_SECONDS = 0.2
_LATEST = -1
_EARLIEST = -2
"""Timestamps with a meaning of their own in Kafka's ListOffsets request."""


class ConfluentOffsets:
    """Fulfils broker.OffsetQueries: 0.3 ms a question, since no fetch waits on the same connection."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._committed = Consumer({**options, "isolation.level": "read_committed"})

    @cached_property
    def _written(self) -> Consumer:
        """Made when first asked: few need to know what is not committed yet."""
        return Consumer({**self._options, "isolation.level": "read_uncommitted"})

    def partitions(self, topics: Sequence[str]) -> tuple[TopicPartition, ...]:
        give_up_at = time.monotonic() + TOPIC_WAIT_SECONDS
        while True:
            try:
                known = self._committed.list_topics(timeout=QUERY_TIMEOUT_SECONDS).topics
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
        return _ask(self._committed, partitions, _LATEST)

    def written_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return _ask(self._written, partitions, _LATEST)

    def begin_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return _ask(self._committed, partitions, _EARLIEST)

    def offsets_at(self, partitions: Iterable[TopicPartition], time_ms: int) -> dict[TopicPartition, int]:
        return _at_or_end(self._committed, partitions, time_ms)

    def written_offsets_at(
        self, partitions: Iterable[TopicPartition], time_ms: int
    ) -> dict[TopicPartition, int]:
        return _at_or_end(self._written, partitions, time_ms)

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        places = [KafkaPartition(*partition) for partition in partitions]
        try:
            return committed_offsets(self._options, group, places)
        except KafkaException as exception:
            raise plain(f"asking for the offsets of {group}", error_of(exception)) from exception


def _at_or_end(
    client: Consumer, partitions: Iterable[TopicPartition], time_ms: int
) -> dict[TopicPartition, int]:
    found = _ask(client, partitions, time_ms)
    none_so_late = [partition for partition, offset in found.items() if offset < 0]
    return {**found, **_ask(client, none_so_late, _LATEST)}


def _ask(client: Consumer, partitions: Iterable[TopicPartition], time_ms: int) -> dict[TopicPartition, int]:
    """The first offset at or after `time_ms`, or a negative number where there is none."""
    asked = [KafkaPartition(topic, number, time_ms) for topic, number in partitions]
    if not asked:
        return {}
    try:
        answers: list[Any] = client.offsets_for_times(asked, timeout=QUERY_TIMEOUT_SECONDS)
    except KafkaException as exception:
        raise plain("asking for offsets", error_of(exception)) from exception
    for answer in answers:
        if answer.error is not None:
            raise plain(f"asking for offsets of {answer.topic}-{answer.partition}", answer.error)
    return {TopicPartition(answer.topic, answer.partition): answer.offset for answer in answers}
