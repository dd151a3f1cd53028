"""How far consumer groups have come, asked of the cluster.

Ends are those of the log itself (read_uncommitted): what an open transaction holds counts as not read.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import IsolationLevel, KafkaException
from confluent_kafka import TopicPartition as KafkaPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.group_offsets import committed_offsets
from signalbox_runtime.records import TopicPartition

NOTHING_COMMITTED: Final = -1
_TIMEOUT_SECONDS: Final = 10.0
Offsets = dict[TopicPartition, int]


class GroupProgress:
    """Belongs to one thread. Every question raises KafkaUnavailable when the cluster does not answer it."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """`options` are librdkafka's, with `bootstrap.servers`."""
        self._options: dict[str, str | int | float | bool] = dict(options)
        self._admin = AdminClient(self._options)

    def committed(self, group: str, topics: Sequence[str]) -> Offsets:
        """The next offset of every partition that the group committed; NOTHING_COMMITTED where none."""
        places = self._places(topics)
        try:
            found = committed_offsets(self._options, group, places)
        except KafkaException as error:
            raise KafkaUnavailable(f"the offsets of {group} can't be asked for: {error}") from error
        nothing = {TopicPartition(place.topic, place.partition): NOTHING_COMMITTED for place in places}
        return {**nothing, **found}

    def log_ends(self, topics: Sequence[str]) -> Offsets:
        """One past the last offset written, committed or not."""
        return self._offsets(topics, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def first_after(self, topics: Sequence[str], time_ms: int) -> Offsets:
        """The first offset whose timestamp is after `time_ms`, else the log's end."""
        later = self._offsets(topics, OffsetSpec.for_timestamp(time_ms + 1))
        ends = self.log_ends(topics)
        return {place: offset if offset >= 0 else ends[place] for place, offset in later.items()}

    def _offsets(self, topics: Sequence[str], spec: OffsetSpec) -> Offsets:
        try:
            answers = self._admin.list_offsets(
                dict.fromkeys(self._places(topics), spec), isolation_level=IsolationLevel.READ_UNCOMMITTED
            )
            return {
                TopicPartition(place.topic, place.partition): answer.result(_TIMEOUT_SECONDS).offset
                for place, answer in answers.items()
            }
        except KafkaException as error:
            raise KafkaUnavailable(f"offsets of {', '.join(topics)} can't be asked for: {error}") from error

    def _places(self, topics: Sequence[str]) -> list[KafkaPartition]:
        try:
            found = self._admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
        except KafkaException as error:
            raise KafkaUnavailable(f"the topics can't be asked for: {error}") from error
        return [
            KafkaPartition(topic, number)
            for topic in topics
            if topic in found
            for number in found[topic].partitions
        ]
