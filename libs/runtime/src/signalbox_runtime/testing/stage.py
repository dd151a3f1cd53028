"""A Kafka, real or in memory, with what a test does to it from outside: topics, first offsets, records."""

import uuid
from collections.abc import Sequence
from typing import Protocol

from signalbox_runtime.kafka.broker import CommittedOffset, Kafka
from signalbox_runtime.records import Headers, Inbound, TopicPartition
from signalbox_runtime.testing.fake_broker import FakeBroker
from signalbox_runtime.testing.fake_kafka import FakeKafka


class Stage(Protocol):
    """What the behaviour suites run on."""

    @property
    def kafka(self) -> Kafka: ...

    @property
    def rejoin_seconds(self) -> float:
        """How long a member may take to notice that the group rebalances."""
        ...

    @property
    def hold_ms(self) -> int:
        """A time that several observations from outside fit into."""
        ...

    def new_topic(self, partitions: int = 1) -> str:
        """Makes an empty topic of a name nobody else uses."""
        ...

    def new_group(self, topics: Sequence[str]) -> str:
        """A group of a new name with offset 0 committed on every partition of `topics`."""
        ...

    def send(self, topic: str, partition: int, values: Sequence[bytes], headers: Headers = ()) -> None:
        """Publishes outside any transaction; each value is its own key too."""
        ...

    def records(self, topic: str) -> list[Inbound]:
        """All committed records, partition by partition."""
        ...

    def committed(self, group: str, topic: str) -> dict[int, CommittedOffset]:
        """The group's offsets by partition."""
        ...

    def delete_before(self, place: TopicPartition, offset: int) -> None:
        """Removes everything before `offset`, as retention does."""
        ...


class FakeStage:
    """The Kafka in memory."""

    rejoin_seconds = 0.1
    hold_ms = 500

    def __init__(self, broker: FakeBroker | None = None) -> None:
        self.broker = broker if broker is not None else FakeBroker()
        self.kafka: Kafka = FakeKafka(self.broker)

    def new_topic(self, partitions: int = 1) -> str:
        topic = new_name("topic")
        self.broker.create_topic(topic, partitions)
        return topic

    def new_group(self, topics: Sequence[str]) -> str:
        group = new_name("group")
        self.broker.commit_offsets(
            group, {place: 0 for topic in topics for place in self.broker.places(topic)}
        )
        return group

    def send(self, topic: str, partition: int, values: Sequence[bytes], headers: Headers = ()) -> None:
        for value in values:
            self.broker.append(topic, value, value, headers, partition)

    def records(self, topic: str) -> list[Inbound]:
        return self.broker.records(topic)

    def committed(self, group: str, topic: str) -> dict[int, CommittedOffset]:
        offsets = self.broker.committed(group)
        return {place.partition: offset for place, offset in offsets.items() if place.topic == topic}

    def delete_before(self, place: TopicPartition, offset: int) -> None:
        self.broker.forget_before(place, offset)


def new_name(what: str) -> str:
    """A name that no other test uses."""
    return f"{what}-{uuid.uuid4().hex[:12]}"
