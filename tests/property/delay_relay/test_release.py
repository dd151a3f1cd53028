"""Laws of the timer: a message is never lost between buckets, and is never a bucket too late or too early."""

from hypothesis import given
from hypothesis import strategies as st

from delay_relay.domain.release import Deliver, Forward, Wait, bucket_for, release
from signalbox_contracts import topics
from signalbox_contracts.messages import Delayed

SMALLEST_MS = min(topics.DELAY_BUCKETS_MS.values())
START_MS = 1_795_428_000_000


def waiting(due_at_ms: int) -> Delayed:
    return Delayed(due_at_ms=due_at_ms, topic="actions.webhook", payload=b"token")


@given(st.integers(SMALLEST_MS, 40 * 86_400_000), st.lists(st.integers(0, 90_000), max_size=200))
def test_a_wait_ends_after_its_time_less_one_smallest_bucket(wait_ms: int, absences_ms: list[int]) -> None:
    delayed = waiting(START_MS + wait_ms)
    now_ms = START_MS
    bucket = bucket_for(wait_ms)
    assert bucket is not None
    absences = iter(absences_ms)
    for _ in range(200):
        step = release(bucket, now_ms, delayed, now_ms)
        assert isinstance(step, Wait)
        late_ms = next(absences, 0)
        now_ms = step.until_ms + late_ms
        step = release(bucket, now_ms - topics.DELAY_BUCKETS_MS[bucket] - late_ms, delayed, now_ms)
        if isinstance(step, Deliver):
            assert now_ms > delayed.due_at_ms - SMALLEST_MS
            assert step.lateness_ms == max(0, now_ms - delayed.due_at_ms)
            assert step.lateness_ms <= late_ms
            return
        assert isinstance(step, Forward)
        bucket = step.bucket
    raise AssertionError("the message went from bucket to bucket and never arrived")


@given(st.sampled_from(list(topics.DELAY_BUCKETS_MS)), st.integers(), st.integers(0, 10**7))
def test_no_due_time_holds_a_partition_longer_than_its_bucket(bucket: str, skew_ms: int, age_ms: int) -> None:
    step = release(bucket, START_MS, waiting(START_MS + skew_ms), START_MS + age_ms)
    if age_ms >= topics.DELAY_BUCKETS_MS[bucket]:
        assert not isinstance(step, Wait)
    else:
        assert step == Wait(START_MS + topics.DELAY_BUCKETS_MS[bucket])


@given(st.sampled_from(list(topics.DELAY_BUCKETS_MS)), st.integers(0, 10**9))
def test_a_canceled_run_does_not_wait(bucket: str, wait_ms: int) -> None:
    step = release(bucket, START_MS, waiting(START_MS + wait_ms), START_MS, canceled=True)
    assert step == Deliver("actions.webhook", 0)
