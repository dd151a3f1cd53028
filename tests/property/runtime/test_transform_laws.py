"""Whatever fails and however often, each record counts once and a partition keeps its order."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox_runtime.errors import KafkaFailure, KafkaUnavailable, OutcomeUnknown, TransactionAbortable
from signalbox_runtime.testing.flaky_kafka import Call, FlakyKafka
from signalbox_runtime.testing.running_loop import RunningLoop
from signalbox_runtime.testing.stage import FakeStage
from signalbox_runtime.testing.transform_suite import next_offsets, numbered, values, wait_for_values
from signalbox_runtime.testing.transforms import FirstOnly

FAILURES: tuple[tuple[Call, type[KafkaFailure], bool], ...] = (
    ("initialise", KafkaUnavailable, False),
    ("produce", TransactionAbortable, False),
    ("produce", TransactionAbortable, True),
    ("send_offsets", TransactionAbortable, False),
    ("send_offsets", OutcomeUnknown, False),
    ("send_offsets", OutcomeUnknown, True),
    ("commit", TransactionAbortable, False),
    ("commit", OutcomeUnknown, False),
    ("commit", OutcomeUnknown, True),
    ("abort", OutcomeUnknown, False),
    ("abort", OutcomeUnknown, True),
)
"""Call, how it fails, and whether it took effect all the same."""


@given(
    failures=st.lists(st.sampled_from(FAILURES), max_size=8),
    counts=st.tuples(st.integers(0, 12), st.integers(0, 12)),
    batch_max_records=st.integers(min_value=1, max_value=9),
)
@settings(deadline=None, max_examples=25)
def test_each_record_counts_once_in_its_order(
    failures: list[tuple[Call, type[KafkaFailure], bool]], counts: tuple[int, int], batch_max_records: int
) -> None:
    stage = FakeStage()
    kafka = FlakyKafka(stage.kafka)
    for call, failure, after_effect in failures:
        kafka.fail_next(call, failure("asked for by the test"), after_effect)
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    first, second = numbered("a", counts[0]), numbered("b", counts[1])
    stage.send(source, 0, [*first, *first])  # published twice: the repeats lead to nothing
    stage.send(source, 1, second)
    transform = FirstOnly(target, kafka, events_max=100)
    with RunningLoop(kafka, group, [source], transform, batch_max_records=batch_max_records):
        wait_for_values(stage, target, len(first) + len(second))
        stage.send(source, 0, [b"last"])
        wait_for_values(stage, target, len(first) + len(second) + 1)
    assert values(stage, target) == Counter([*first, *second, b"last"])
    in_order = [record.value for record in stage.records(target)]
    assert [value for value in in_order if value in first] == first
    assert [value for value in in_order if value in second] == second
    assert next_offsets(stage, group, source) == {0: 2 * len(first) + 1, 1: len(second)}
