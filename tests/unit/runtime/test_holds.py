"""Which partitions wait, and for how long the loop may sleep."""

from signalbox_runtime.loops.holds import HOLD_STEP_MS, Held, Holds
from signalbox_runtime.records import TopicPartition

FIRST, SECOND = TopicPartition("delays.1s", 0), TopicPartition("delays.10s", 0)


def test_nothing_held_lets_the_loop_sleep_as_long_as_it_likes() -> None:
    assert Holds().until_first_due_seconds(now_ms=0, at_most_seconds=0.5) == 0.5
    assert Holds().release(now_ms=1 << 60) == {}


def test_the_first_due_partition_ends_the_sleep_and_goes_on_from_its_offset() -> None:
    holds = Holds()
    holds.hold(FIRST, Held(until_ms=1_300, offset=7), now_ms=1_000)
    holds.hold(SECOND, Held(until_ms=9_000, offset=3), now_ms=1_000)
    assert holds.until_first_due_seconds(now_ms=1_000, at_most_seconds=0.5) == 0.3
    assert holds.release(now_ms=1_299) == {}
    assert holds.release(now_ms=1_300) == {FIRST: 7}
    assert holds.release(now_ms=1_300) == {}
    assert holds.until_first_due_seconds(now_ms=1_300, at_most_seconds=0.5) == 0.5


def test_a_record_due_at_once_still_rests_a_step() -> None:
    holds = Holds()
    holds.hold(FIRST, Held(until_ms=1_001, offset=7), now_ms=1_000)
    assert holds.release(now_ms=1_001) == {}
    assert holds.release(now_ms=1_000 + HOLD_STEP_MS) == {FIRST: 7}


def test_a_late_loop_does_not_sleep() -> None:
    holds = Holds()
    holds.hold(FIRST, Held(until_ms=1_500, offset=7), now_ms=1_000)
    assert holds.until_first_due_seconds(now_ms=2_000, at_most_seconds=0.5) == 0.0


def test_a_partition_that_went_elsewhere_is_not_released() -> None:
    holds = Holds()
    holds.hold(FIRST, Held(until_ms=1_500, offset=7), now_ms=1_000)
    holds.drop(FIRST)
    assert holds.release(now_ms=2_000) == {}
