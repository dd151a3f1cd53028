"""What a member of a group says when its listener fails while it leaves."""

from collections.abc import Collection

import pytest

from signalbox_runtime.errors import ClientFailed
from signalbox_runtime.kafka.broker import Offsets
from signalbox_runtime.records import TopicPartition
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.waiting import eventually


class Failing:
    """Fulfils RebalanceListener: it can't commit what it has to."""

    def assigned(self, partitions: Offsets) -> None:
        return None

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        raise ClientFailed("fenced by a successor")

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        return None


def test_a_listener_that_fails_while_the_member_leaves_is_not_a_clean_end(kafka_bootstrap: str) -> None:
    stage = KafkaStage(kafka_bootstrap)
    topic = stage.new_topic()
    consumer = stage.kafka.group_consumer(stage.new_group([topic]))
    consumer.subscribe([topic], Failing())

    def has_joined() -> bool:
        consumer.poll(0.1, 1)
        return bool(consumer.assignment())

    eventually(has_joined, "the member has its partition")
    with pytest.raises(ClientFailed, match="fenced"):
        consumer.close()
