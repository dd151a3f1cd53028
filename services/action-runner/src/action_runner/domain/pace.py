"""Calls per second to one destination: a bucket of permits that fills with time."""

import msgspec


class Bucket(msgspec.Struct, frozen=True):
    """`permits` were there at `at_ms`; it never holds more than one second's worth."""

    permits: float
    at_ms: int


def take(bucket: Bucket, now_ms: int, per_second: float) -> tuple[Bucket, int]:
    """One permit: the bucket afterwards, and how long the caller has to wait in ms (0: go now).

    A permit may be taken ahead of time, so callers queue up in the order they ask and none is starved.
    """
    filled = bucket.permits + max(0, now_ms - bucket.at_ms) * per_second / 1000
    left = min(filled, max(per_second, 1.0)) - 1
    wait_ms = 0 if left >= 0 else -int(left * 1000 // per_second)
    return Bucket(left, max(now_ms, bucket.at_ms)), wait_ms


def full(per_second: float, now_ms: int) -> Bucket:
    """The bucket of a destination never called."""
    return Bucket(max(per_second, 1.0), now_ms)
