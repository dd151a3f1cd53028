"""The transform loop's behaviour on the Kafka in memory, and what only a fake can be made to do."""

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import pytest

from signalbox_runtime.clock import ManualClock
from signalbox_runtime.errors import KafkaUnavailable, TransactionAbortable
from signalbox_runtime.loops.holds import Hold
from signalbox_runtime.records import Inbound, Outbox
from signalbox_runtime.testing.flaky_kafka import FlakyKafka
from signalbox_runtime.testing.running_loop import RunningLoop
from signalbox_runtime.testing.stage import FakeStage
from signalbox_runtime.testing.transform_suite import (
    TransformSuite,
    next_offsets,
    numbered,
    values,
    wait_for_values,
)
from signalbox_runtime.testing.transforms import BlockingCopy, Copy
from signalbox_runtime.testing.waiting import eventually


@pytest.fixture
def stage() -> FakeStage:
    return FakeStage()


class TestTransformOnFake(TransformSuite):
    """The suite."""


def test_a_member_taken_for_dead_aborts_and_takes_part_again(stage: FakeStage) -> None:
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 10))
    stage.send(source, 1, numbered("b", 10))
    copy = BlockingCopy(target, blocking=b"a-5")
    with RunningLoop(stage.kafka, group, [source], copy):
        assert copy.is_blocked.wait(10)
        stage.broker.throw_out(group)
        copy.go_on.set()
        wait_for_values(stage, target, 20)
    assert values(stage, target) == Counter(numbered("a", 10) + numbered("b", 10))
    assert len(copy.gone) == 4, "lost once, given up at the end once"


def test_kafka_away_is_waited_out_and_said(stage: FakeStage) -> None:
    source, target = stage.new_topic(1), stage.new_topic(1)
    with RunningLoop(stage.kafka, stage.new_group([source]), [source], Copy(target)) as running:
        running.wait_ready()
        stage.broker.is_down = True
        eventually(lambda: not running.readiness.is_ready, "the loop to say that Kafka is away")
        assert running.readiness.reasons() == {"consuming": "The broker is down."}
        stage.broker.is_down = False
        stage.send(source, 0, [b"a"])
        wait_for_values(stage, target, 1)
        assert running.readiness.is_ready


def test_a_batch_whose_views_can_not_be_read_comes_again(stage: FakeStage) -> None:
    source, target = stage.new_topic(1), stage.new_topic(1)

    class Unprepared(Copy):
        failures = 0

        def prepare(self, batch: Sequence[Inbound]) -> None:
            self.failures += 1
            if self.failures < 4:
                raise KafkaUnavailable("the definitions can't be read")

    copy = Unprepared(target)
    stage.send(source, 0, numbered("a", 5))
    with RunningLoop(stage.kafka, stage.new_group([source]), [source], copy):
        wait_for_values(stage, target, 5)
    assert len(copy.handled) == 5


def test_an_error_in_the_transform_ends_the_loop_and_nothing_of_the_batch_counts(stage: FakeStage) -> None:
    source, target = stage.new_topic(1), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 5))

    class Broken(Copy):
        def handle(self, inbound: Inbound) -> Outbox | Hold:
            if inbound.value == b"a-3":
                raise ZeroDivisionError("a defect")
            return super().handle(inbound)

    with RunningLoop(stage.kafka, group, [source], Broken(target)) as running:
        assert isinstance(running.failure(), ZeroDivisionError)
    assert stage.records(target) == []
    assert next_offsets(stage, group, source) == {0: 0}


def test_a_transaction_ends_in_time_and_the_rest_of_its_batch_comes_again(stage: FakeStage) -> None:
    source, target, clock = stage.new_topic(2), stage.new_topic(1), ManualClock()

    class Slow(Copy):
        def handle(self, inbound: Inbound) -> Outbox | Hold:
            clock.advance(600)
            return super().handle(inbound)

    slow = Slow(target)
    stage.send(source, 0, numbered("a", 3))
    stage.send(source, 1, numbered("b", 3))
    group = stage.new_group([source])
    with RunningLoop(stage.kafka, group, [source], slow, clock):
        wait_for_values(stage, target, 6)
    # It begins when its first record is handled; two more last longer than it may. A marker follows each.
    assert [record.offset for record in stage.records(target)] == [0, 1, 2, 4, 5, 6]
    assert sorted(str(record.value) for record in slow.handled) == sorted(
        str(value) for value in numbered("a", 3) + numbered("b", 3)
    )
    assert next_offsets(stage, group, source) == {0: 3, 1: 3}


def test_a_batch_that_no_transaction_bears_is_halved_until_one_does(stage: FakeStage) -> None:
    source, target = stage.new_topic(1), stage.new_topic(1)
    flaky = FlakyKafka(stage.kafka)

    class Counting(Copy):
        sizes: ClassVar[list[int]] = []

        def prepare(self, batch: Sequence[Inbound]) -> None:
            self.sizes.append(len(batch))
            if len(batch) > 2:
                flaky.fail_next("commit", TransactionAbortable("it took too long"))

    stage.send(source, 0, numbered("a", 8))
    with RunningLoop(flaky, stage.new_group([source]), [source], Counting(target), batch_max_records=8):
        wait_for_values(stage, target, 8)
    assert values(stage, target) == Counter(numbered("a", 8))
    assert Counting.sizes[:3] == [8, 4, 2]
