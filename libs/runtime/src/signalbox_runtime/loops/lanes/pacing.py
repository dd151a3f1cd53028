"""When to commit. Pure."""

import msgspec

from signalbox_runtime.loops.lanes.handler import LaneLimits

LOAD_RESULTS = 10
"""A transaction with at least so many results says that the process is under load: waiting a little for
more costs nobody anything, and saves transactions (22 ms of broker time each)."""


class Pace(msgspec.Struct, frozen=True):
    """Where the loop stands between two transactions."""

    results: int
    """Waiting to be committed."""
    calls: int
    """How many of them are of calls: at `uncommitted_max` they hold back all others."""
    last_results: int
    """In the last transaction."""
    since_last_ms: float
    """Since the last one ended."""


def is_due(pace: Pace, limits: LaneLimits) -> bool:
    """Whether the results that are there go into a transaction now."""
    if not pace.results:
        return False
    return (
        pace.last_results < LOAD_RESULTS
        or pace.since_last_ms >= limits.commit_floor_ms
        or pace.results >= limits.transaction_results_max
        or pace.calls >= limits.uncommitted_max
    )
