"""When a waiting message goes where.

Kafka is the timer. A message in the bucket `delays.10s` is released ten seconds after the broker appended
it, whatever `due_at_ms` says, so the first of a partition is always the first to be released: a skewed
clock or a long wait at the head can't block the messages behind it. Longer waits go from bucket to bucket,
the largest that still fits each time.
"""

from collections.abc import Mapping

import msgspec

from signalbox_contracts import topics
from signalbox_contracts.messages import Delayed


class Wait(msgspec.Struct, frozen=True):
    """Not yet: the message stays at the head of its partition until then."""

    until_ms: int


class Forward(msgspec.Struct, frozen=True):
    """The wait goes on in another bucket."""

    bucket: str


class Deliver(msgspec.Struct, frozen=True):
    """The wait is over. `lateness_ms` is how long after its due time, 0 if it is early."""

    topic: str
    lateness_ms: int


Release = Wait | Forward | Deliver


def bucket_for(remaining_ms: int, buckets: Mapping[str, int] = topics.DELAY_BUCKETS_MS) -> str | None:
    """The largest bucket that is no longer than `remaining_ms`; None where even the smallest is."""
    fitting = [(length_ms, name) for name, length_ms in buckets.items() if length_ms <= remaining_ms]
    return max(fitting)[1] if fitting else None


def release(
    bucket: str,
    appended_at_ms: int,
    delayed: Delayed,
    now_ms: int,
    *,
    canceled: bool = False,
    buckets: Mapping[str, int] = topics.DELAY_BUCKETS_MS,
) -> Release:
    """What becomes of `delayed`, which the broker appended to `bucket` at `appended_at_ms`.

    What remains is counted from now, so that a relay that was away does not add its absence to the wait. A
    remainder shorter than the smallest bucket is let go: the message is early by less than that. A canceled
    run does not wait for its end.
    """
    released_at_ms = appended_at_ms + buckets[bucket]
    if now_ms < released_at_ms and not canceled:
        return Wait(released_at_ms)
    onward = bucket_for(delayed.due_at_ms - now_ms, buckets)
    if onward is None or canceled:
        return Deliver(delayed.topic, max(0, now_ms - delayed.due_at_ms))
    return Forward(onward)
