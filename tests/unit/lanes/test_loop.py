"""The Kafka side of the loop: transactions, rebalances, aborts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from signalbox_runtime.errors import OutcomeUnknown
from signalbox_runtime.kafka.broker import CommittedOffset
from signalbox_runtime.loops.lanes import finished_offsets
from signalbox_runtime.loops.lanes.errors import UnreadableMetadata
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.loops.lanes.handover import ExecutorEnded, Prepared
from signalbox_runtime.loops.lanes.progress import Progress
from signalbox_runtime.records import TopicPartition
from signalbox_runtime.testing.fake_kafka import FakeProducer
from tests.unit.lanes.scene import GROUP, TOPIC, Scene, fact


def test_a_result_and_its_offset_are_one_transaction() -> None:
    scene = Scene()
    scene.send(3)
    scene.turn()
    assert scene.running() == [0, 1, 2]
    scene.executor.end(1)
    scene.turn()
    assert scene.facts() == [fact(1)]
    assert scene.committed() == (0, True)
    scene.executor.end(0, 2)
    scene.turn()
    assert scene.facts() == [fact(1), fact(0), fact(2)]
    assert scene.committed() == (3, False)
    assert scene.executor.settled == 3


def test_a_successor_skips_what_was_finished_beyond_the_committed_offset() -> None:
    scene = Scene()
    scene.send(4)
    scene.turn()
    scene.executor.end(1, 3)
    scene.turn()
    scene.broker.throw_out(GROUP)  # killed: nobody says good-bye
    successor = Scene(scene.broker, slot=1)
    successor.turn()
    assert successor.running() == [0, 2]
    assert successor.executor.skipped == [1, 3]
    successor.executor.end(0, 2)
    successor.turn()
    assert sorted(successor.facts()) == [fact(n) for n in range(4)]


def test_after_an_abort_the_same_results_go_into_the_next_transaction() -> None:
    scene = Scene(partitions=2)
    scene.send(2)
    scene.turn()
    scene.executor.end(0)
    # A second member makes the group's generation a new one, which this one learns only with a poll.
    with before_the_commit(scene.second_member_joins):
        scene.turn()
    assert scene.facts() == []
    scene.turn(3)
    assert scene.facts() == [fact(0)]
    assert scene.running() == [1]
    assert scene.executor.settled == 1


def test_a_revoked_partition_is_drained_and_committed_before_it_goes() -> None:
    scene = Scene(partitions=2)
    scene.send(3, partition=1)
    scene.turn()
    scene.during_drain = [2, 0, 1]
    scene.second_member_joins()
    scene.turn()
    assert scene.during_drain == []
    assert sorted(scene.facts()) == [fact(n, 1) for n in range(3)]
    assert scene.committed(1) == (3, False)


def test_a_drain_is_not_held_up_by_calls_of_partitions_that_stay() -> None:
    scene = Scene(partitions=2)
    scene.send(2, partition=0)
    scene.send(1, partition=1)
    scene.turn()
    begins = scene.clock.now_ms()
    scene.during_drain = [0, 0]
    scene.second_member_joins()
    scene.turn(2)
    assert scene.clock.now_ms() - begins < 1_000
    assert fact(0, 1) in scene.facts()
    assert 1 in scene.running()


def test_a_drain_ends_at_its_bound_and_what_comes_later_is_dropped() -> None:
    scene = Scene(partitions=2, limits=LaneLimits(drain_seconds=5))
    scene.send(1, partition=1)
    scene.turn()
    begins = scene.clock.now_ms()
    scene.second_member_joins()
    scene.turn()
    assert 5_000 <= scene.clock.now_ms() - begins < 6_000
    scene.executor.end(0)
    scene.turn(3)
    assert scene.facts() == []
    assert scene.committed(1) == (0, False)
    assert scene.executor.settled == 1


def test_results_of_lost_partitions_are_dropped_and_nothing_is_drained() -> None:
    scene = Scene()
    scene.send(2)
    scene.turn()
    scene.broker.throw_out(GROUP)
    begins = scene.clock.now_ms()
    scene.executor.end(0)
    scene.turn()
    assert scene.clock.now_ms() - begins < 100
    assert scene.facts() == []
    scene.turn(2)
    # Delivered again under a new assignment, beside the old call of record 1.
    assert scene.running() == [1, 0, 1]


def test_an_answer_that_came_too_late_counts_nothing_even_if_the_partition_is_back() -> None:
    scene = Scene()
    give_back(scene)
    assert scene.facts() == []
    scene.executor.end(0)
    scene.turn()
    assert scene.facts() == [fact(0)]


def test_without_the_epoch_check_that_answer_would_count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Progress, "finish", finish_unchecked)
    scene = Scene()
    give_back(scene)
    scene.executor.end(0)
    scene.turn()
    assert scene.facts() == [fact(0), fact(0)]


def test_without_the_metadata_finished_records_would_be_worked_on_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finished_offsets, "encode", lambda _base, _finished: "")
    with pytest.raises(AssertionError):
        test_a_successor_skips_what_was_finished_beyond_the_committed_offset()


def test_without_the_drain_calls_of_a_revoked_partition_would_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signalbox_runtime.loops.lanes.loop.LaneLoop._is_drained", lambda *_arguments: True)
    with pytest.raises(AssertionError):
        test_a_revoked_partition_is_drained_and_committed_before_it_goes()


def test_a_commit_without_an_answer_that_was_done_is_not_done_again() -> None:
    scene = Scene()
    scene.send(1)
    scene.turn()
    scene.executor.end(0)
    with unanswered_commit(is_done=True):
        scene.turn()
    scene.turn(3)
    assert scene.facts() == [fact(0)]
    assert scene.executor.settled == 1


def test_a_commit_without_an_answer_that_was_not_done_is_done_again() -> None:
    scene = Scene()
    scene.send(1)
    scene.turn()
    scene.executor.end(0)
    with unanswered_commit(is_done=False):
        scene.turn()
    scene.turn(3)
    assert scene.facts() == [fact(0)]
    assert scene.committed() == (1, False)


def test_while_brokers_are_away_it_waits_and_says_so_and_then_goes_on() -> None:
    scene = Scene()
    scene.send(2)
    scene.turn()
    assert scene.readiness.is_ready
    scene.executor.end(0)
    scene.broker.is_down = True
    scene.turn(4)
    assert list(scene.readiness.reasons()) == ["consuming"]
    scene.broker.is_down = False
    scene.executor.end(1)
    scene.clock.advance(1_000)
    scene.turn(4)
    assert scene.readiness.is_ready
    assert sorted(scene.facts()) == [fact(0), fact(1)]
    assert scene.running() == []


def test_nothing_is_handed_over_before_the_handler_is_ready() -> None:
    scene = Scene()
    scene.executor.prepares_at_once = False
    scene.broker.throw_out(GROUP)
    scene.turn(2)
    scene.send(3)
    scene.turn(2)
    assert scene.running() == []
    scene.executor.to_kafka.append(Prepared(dict(scene.executor.epochs)))
    scene.turn(3)
    assert scene.running() == [0, 1, 2]
    assert scene.executor.starts == {TopicPartition(TOPIC, 0): 0}


def test_a_full_process_consumes_no_more_until_half_of_it_is_done() -> None:
    scene = Scene(limits=LaneLimits(held_max=8))
    scene.send(20)
    scene.turn(4)
    assert len(scene.running()) == 8
    scene.executor.end(*scene.running()[:3])
    scene.turn(3)
    assert len(scene.running()) == 5
    scene.executor.end(*scene.running()[:2])
    scene.turn(3)
    assert len(scene.running()) > 5


def test_under_load_commits_keep_their_distance() -> None:
    scene = Scene()
    scene.send(40)
    scene.turn()
    scene.executor.end(*range(20))
    scene.turn()
    scene.clock.advance(-25)
    scene.executor.end(*range(20, 40))
    scene.turn()
    assert len(scene.facts()) == 20
    scene.turn()
    assert len(scene.facts()) == 40


def test_leaving_drains_commits_and_gives_everything_up() -> None:
    scene = Scene()
    scene.send(2)
    scene.turn()
    scene.executor.end(0)
    scene.during_drain = [1]
    scene.loop.leave()
    assert sorted(scene.facts()) == [fact(0), fact(1)]
    assert scene.committed() == (2, False)


def test_when_the_executor_has_ended_nobody_waits_for_its_calls() -> None:
    scene = Scene()
    scene.send(2)
    scene.turn()
    scene.executor.end(0)
    scene.executor.to_kafka.append(ExecutorEnded())
    begins = scene.clock.now_ms()
    scene.loop.leave()
    assert scene.clock.now_ms() - begins < 1_000
    assert scene.facts() == [fact(0)]


def test_metadata_of_somebody_else_stops_the_service_and_says_so() -> None:
    scene = Scene()
    scene.broker.group(GROUP).committed[TopicPartition(TOPIC, 0)] = CommittedOffset(0, "hello")
    scene.broker.throw_out(GROUP)
    with pytest.raises(UnreadableMetadata, match="offset 0"):
        scene.turn(3)


def give_back(scene: Scene) -> None:
    """A call of record 0 runs while its partition goes away and comes back; then it answers."""
    scene.send(1)
    scene.turn()
    scene.broker.throw_out(GROUP)
    scene.turn(2)
    assert scene.running() == [0, 0]
    scene.executor.end(0)
    scene.turn()


def finish_unchecked(progress: Progress, name: TopicPartition, _epoch: int, offset: int) -> bool:
    progress._partitions[name].unfinished.pop(offset, None)
    return True


@contextmanager
def unanswered_commit(*, is_done: bool) -> Iterator[None]:
    """Commits give no answer meanwhile."""

    def commit(producer: FakeProducer) -> None:
        if is_done:
            original(producer)
        raise OutcomeUnknown("commit_transaction: timed out")

    original = FakeProducer.commit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeProducer, "commit", commit)
        yield


@contextmanager
def before_the_commit(happens: Callable[[], None]) -> Iterator[None]:
    """Something happens once, between the poll of a turn and its transaction."""

    def begin(producer: FakeProducer) -> None:
        if pending:
            pending.pop()()
        original(producer)

    pending = [happens]
    original = FakeProducer.begin
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeProducer, "begin", begin)
        yield
