"""When a failed attempt is tried again."""

from signalbox_contracts.messages import RetryPolicy

RETRY_AFTER_MAX_MS = 3_600_000
"""The longest wait a receiver may ask for: a run must not be parked for weeks by one header."""
WAIT_IN_LANE_MAX_MS = 5_000
"""A longer wait leaves the lane through a delay topic (design.md section 4)."""

LANE_STAY_MAX_MS = 10_000
"""After this long the next wait leaves the lane whatever its length: attempts add up, and a lane that is
being
taken away is only waited for so long."""


def backoff_ms(policy: RetryPolicy, attempt: int, jitter: float) -> int:
    """The wait after attempt number `attempt` (from 1).

    The bound grows by the policy's factor up to its longest wait; the wait is between half of it and all of
    it, as `jitter` (0 up to 1) says, so that runs that failed together don't come back together.
    """
    bound = policy.first_backoff_ms * policy.factor ** min(attempt - 1, _EXPONENT_MAX)
    bound = min(bound, policy.max_backoff_ms)
    return int(bound * (0.5 + jitter / 2))


def wait_ms(policy: RetryPolicy, attempt: int, asked_ms: int | None, jitter: float) -> int:
    """The wait after a retryable failure: the backoff, or what the receiver asked for if that is longer."""
    backoff = backoff_ms(policy, attempt, jitter)
    if asked_ms is None:
        return backoff
    return max(backoff, min(asked_ms, RETRY_AFTER_MAX_MS))


_EXPONENT_MAX = 60  # beyond it any factor over 1 has passed every bound, and floats could overflow
