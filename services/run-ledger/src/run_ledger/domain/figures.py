"""The grid's figures: five-minute buckets, and durations in steps of ten percent.

A duration's step is the smallest n with 1.1ⁿ ≥ ms, so a quantile read from counts per step is at most ten
percent above the true one. Counts only add up: they never need the rows again, and outlive them.
"""

import math
from collections.abc import Mapping

BUCKET_MS = 300_000
STEP_FACTOR = 1.1


def bucket_ms(time_ms: int) -> int:
    """The begin of the bucket that `time_ms` falls in."""
    return time_ms - time_ms % BUCKET_MS


def duration_step(duration_ms: int) -> int:
    """The step of a duration; everything up to 1 ms is step 0."""
    if duration_ms <= 1:
        return 0
    return math.ceil(math.log(duration_ms) / math.log(STEP_FACTOR) - 1e-9)


def step_ms(step: int) -> int:
    """The longest duration of a step, rounded to ms."""
    return round(STEP_FACTOR**step)


def quantile_ms(runs_by_step: Mapping[int, int], share: float) -> int | None:
    """The duration that `share` of the runs did not exceed; None without runs."""
    total = sum(runs_by_step.values())
    reached = 0
    for step in sorted(runs_by_step):
        reached += runs_by_step[step]
        if reached >= share * total and reached > 0:
            return step_ms(step)
    return None
