"""When to commit."""

import pytest

from signalbox_runtime.loops.lanes import pacing
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.loops.lanes.pacing import Pace


@pytest.mark.parametrize(
    ("pace", "is_due"),
    [
        (Pace(results=0, calls=0, last_results=0, since_last_ms=9_999), False),
        (Pace(results=1, calls=1, last_results=1, since_last_ms=0), True),  # idle: at once
        (Pace(results=30, calls=30, last_results=30, since_last_ms=19), False),  # load: the floor
        (Pace(results=30, calls=30, last_results=30, since_last_ms=20), True),
        (Pace(results=99, calls=99, last_results=30, since_last_ms=1), False),
        (Pace(results=100, calls=100, last_results=30, since_last_ms=1), True),  # others wait for it
        (Pace(results=499, calls=0, last_results=30, since_last_ms=1), False),
        (Pace(results=500, calls=0, last_results=30, since_last_ms=1), True),  # a transaction is full
    ],
)
def test_a_commit_is_due(pace: Pace, is_due: bool) -> None:
    assert pacing.is_due(pace, LaneLimits()) is is_due
