"""The transform loop's behaviour on real Kafka: the suite that the fake passes too."""

from collections import Counter

import pytest

from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.running_loop import RunningLoop
from signalbox_runtime.testing.transform_suite import TransformSuite, numbered, values, wait_for_values
from signalbox_runtime.testing.transforms import BlockingCopy, Copy
from signalbox_runtime.testing.waiting import eventually


@pytest.fixture(scope="module")
def stage(kafka_bootstrap: str) -> KafkaStage:
    return KafkaStage(kafka_bootstrap)


class TestTransformOnKafka(TransformSuite):
    """The suite."""


def test_a_member_thrown_out_for_being_slow_counts_nothing_twice(
    stage: KafkaStage, kafka_bootstrap: str
) -> None:
    options = {
        "bootstrap.servers": kafka_bootstrap,
        "max.poll.interval.ms": "6000",
        # Else the broker aborts the transaction first and fences the producer, which ends the process.
        "transaction.timeout.ms": "60000",
    }
    impatient = ConfluentKafka(options, "impatient")
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 10))
    stage.send(source, 1, numbered("b", 10))
    slow, successor = BlockingCopy(target, blocking=b"a-5"), Copy(target)
    with RunningLoop(impatient, group, [source], slow):
        assert slow.is_blocked.wait(30)
        with RunningLoop(stage.kafka, group, [source], successor):
            eventually(lambda: len(successor.handled) >= 20, "the successor to do the work again")
            slow.go_on.set()
            wait_for_values(stage, target, 20)
            stage.send(source, 0, numbered("c", 10))
            stage.send(source, 1, numbered("d", 10))
            wait_for_values(stage, target, 40)
    expected = [*numbered("a", 10), *numbered("b", 10), *numbered("c", 10), *numbered("d", 10)]
    assert values(stage, target) == Counter(expected)
