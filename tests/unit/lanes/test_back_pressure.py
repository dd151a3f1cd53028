"""Which partitions rest."""

from signalbox_runtime.loops.lanes.back_pressure import resting
from signalbox_runtime.records import TopicPartition
from tests.unit.lanes.builders import P0, P1

P2 = TopicPartition("actions.webhook", 2)
NONE: frozenset[TopicPartition] = frozenset()


def test_nobody_rests_below_three_quarters() -> None:
    assert resting({P0: 40, P1: 34}, 100, NONE) == NONE


def test_at_three_quarters_those_with_more_than_their_share_rest() -> None:
    assert resting({P0: 70, P1: 5, P2: 0}, 100, NONE) == {P0}
    assert resting({P0: 38, P1: 38}, 100, NONE) == {P0, P1}


def test_when_full_everybody_rests() -> None:
    assert resting({P0: 99, P1: 1, P2: 0}, 100, NONE) == {P0, P1, P2}


def test_who_rests_goes_on_resting_down_to_one_half() -> None:
    assert resting({P0: 60, P1: 5}, 100, frozenset({P0})) == {P0}
    assert resting({P0: 40, P1: 5}, 100, frozenset({P0})) == NONE


def test_who_has_little_left_does_not_rest_for_the_others() -> None:
    assert resting({P0: 68, P1: 1, P2: 0}, 100, frozenset({P0, P1, P2})) == {P0}
