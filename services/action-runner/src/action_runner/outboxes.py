"""What a step of a run looks like on Kafka."""

from collections.abc import Sequence
from typing import assert_never

from action_runner import metrics
from action_runner.domain.advance import Delays, Ends, Goes, Next, Parks, Waits
from action_runner.domain.outgrown import outgrown
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import ActionRequested, Delayed, RunFact
from signalbox_runtime.kafka.record_sizes import size_limit, size_of
from signalbox_runtime.records import Headers, Outbound, Outbox

LARGE_BYTES = 1_048_576
"""No topic takes less: records with smaller values need no closer look."""


def run_outbox(
    token: ActionRequested, facts: Sequence[RunFact], then: Next, now_ms: int, headers: Headers
) -> Outbox:
    """The facts, then the token where it goes. A token that waits in its lane must not come here.

    A run that no longer fits into a message ends with a fact that says so: it must not stop all others.
    """
    outbox = _outbox(token, facts, then, now_ms, headers)
    large = _too_large(outbox)
    if large is not None:
        facts, then = outgrown(facts, now_ms, large.topic, size_of(large), size_limit(large.topic)), Ends()
        outbox = _outbox(token, facts, then, now_ms, headers)
    if isinstance(then, Ends):
        metrics.run_ended(facts[-1])
    return outbox


def _outbox(
    token: ActionRequested, facts: Sequence[RunFact], then: Next, now_ms: int, headers: Headers
) -> Outbox:
    outbox = Outbox()
    key = ids.lane(token.tenant_id, token.module, token.record_id)
    for fact in facts:
        outbox.send(topics.RUNS_JOURNAL, key, fact, headers)
    match then:
        case Goes(moved):
            outbox.send(topics.action_topic(moved.actions[0].type), key, moved, headers)
        case Delays(moved, at_ms):
            delayed = Delayed(
                due_at_ms=at_ms,
                topic=topics.action_topic(moved.actions[0].type),
                payload=codec.encode(moved),
                headers=dict(headers),
            )
            outbox.send(delay_topic(at_ms - now_ms), key, delayed, headers)
        case Parks() | Ends():
            pass
        case Waits():
            raise AssertionError("A token that waits in its lane is not sent anywhere.")
        case _:
            assert_never(then)
    return outbox


def _too_large(outbox: Outbox) -> Outbound | None:
    """The first record that its topic does not take, if there is one."""
    for record in outbox:
        if len(record.value or b"") > LARGE_BYTES and size_of(record) > size_limit(record.topic):
            return record
    return None


def delay_topic(remaining_ms: int) -> str:
    """The largest delay that is not longer than what remains; the smallest for anything shorter."""
    chosen = next(iter(topics.DELAY_BUCKETS_MS))
    for topic, bucket_ms in topics.DELAY_BUCKETS_MS.items():
        if bucket_ms <= remaining_ms:
            chosen = topic
    return chosen
