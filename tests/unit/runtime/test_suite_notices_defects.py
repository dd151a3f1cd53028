"""The behaviour suite can fail: each rule of the loop, taken out, is noticed by a test that names it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from signalbox_runtime.loops import refill, transform
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.transform import TransformLoop
from signalbox_runtime.records import Inbound, TopicPartition
from signalbox_runtime.testing import fake_kafka, transforms, waiting
from signalbox_runtime.testing.stage import FakeStage
from signalbox_runtime.testing.transform_suite import TransformSuite

Break = Callable[[pytest.MonkeyPatch], None]


def nothing_is_rewound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransformLoop, "_rewind", lambda _loop, _offsets: None)


def an_unknown_outcome_is_taken_for_an_abort(patch: pytest.MonkeyPatch) -> None:
    def rewind_all(loop: TransformLoop, batch: Sequence[Inbound]) -> None:
        loop._rewind(transform._first_offsets(batch))

    patch.setattr(TransformLoop, "_rewind_to_committed", rewind_all)


def an_unknown_outcome_is_taken_for_a_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransformLoop, "_rewind_to_committed", lambda _loop, _batch: None)


def offsets_are_not_part_of_the_transaction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fake_kafka.FakeProducer, "send_offsets", lambda _producer, _offsets, _metadata: None)


def a_held_partition_is_not_paused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TransformLoop, "_hold", lambda _loop, _partition, _held: None)


def a_hold_forgets_the_record(patch: pytest.MonkeyPatch) -> None:
    original = TransformLoop._hold

    def one_too_far(loop: TransformLoop, partition: TopicPartition, held: Any) -> None:
        original(loop, partition, type(held)(held.until_ms, held.offset + 1))

    patch.setattr(TransformLoop, "_hold", one_too_far)


def any_earlier_sight_makes_a_repeat(patch: pytest.MonkeyPatch) -> None:
    def seen_before(
        memory: IdMemory, partition: TopicPartition, identity: bytes, _offset: int, _time_ms: int = 0
    ) -> bool:
        seen: set[tuple[TopicPartition, bytes]] = memory.__dict__.setdefault("seen", set())
        known = (partition, identity) in seen
        seen.add((partition, identity))
        return known

    patch.setattr(IdMemory, "seen_before", seen_before)


def the_memory_is_not_refilled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transforms, "refill", lambda *_arguments: 0)


def a_refill_stops_at_its_first_look(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(refill, "ROUNDS_MAX", 1)


def metadata_is_taken_anew_for_each_attempt_to_commit(patch: pytest.MonkeyPatch) -> None:
    """Taken after a rebalance it makes a stale transaction acceptable."""

    def send_fresh(producer: Any, offsets: Mapping[TopicPartition, Any], metadata: Any) -> None:
        broker = producer._broker
        with broker.changed:
            group = broker.group(metadata.group)
            fresh = type(metadata)(metadata.group, next(iter(group.owned)), group.generation)
            broker.add_offsets(producer._checked(), offsets, fresh)

    patch.setattr(fake_kafka.FakeProducer, "send_offsets", send_fresh)


def an_undecodable_message_is_passed_over(patch: pytest.MonkeyPatch) -> None:
    original = TransformLoop._handled

    def handled(loop: TransformLoop, inbound: Inbound) -> Any:
        if inbound.value == transforms.UNDECODABLE:
            return []
        return original(loop, inbound)

    patch.setattr(TransformLoop, "_handled", handled)


CASES: tuple[tuple[Break, str], ...] = (
    (nothing_is_rewound, "test_after_an_abort_the_batch_comes_again_and_counts_once"),
    (an_unknown_outcome_is_taken_for_an_abort, "test_an_unknown_outcome_is_found_out_whichever_it_was"),
    (an_unknown_outcome_is_taken_for_a_commit, "test_an_unknown_outcome_is_found_out_whichever_it_was"),
    (
        offsets_are_not_part_of_the_transaction,
        "test_every_record_leads_to_its_outbox_and_its_offset_is_committed",
    ),
    (
        a_held_partition_is_not_paused,
        "test_a_record_not_due_holds_its_partition_only_and_waits_without_spinning",
    ),
    (a_hold_forgets_the_record, "test_a_record_not_due_holds_its_partition_only_and_waits_without_spinning"),
    (any_earlier_sight_makes_a_repeat, "test_a_rewound_record_is_not_its_own_repeat"),
    (the_memory_is_not_refilled, "test_a_successor_knows_the_ids_from_before_its_assignment"),
    (a_refill_stops_at_its_first_look, "test_a_refill_looks_past_transaction_markers"),
    (
        metadata_is_taken_anew_for_each_attempt_to_commit,
        "test_a_member_replaced_by_its_own_instance_ends_and_counts_nothing_twice",
    ),
    (
        an_undecodable_message_is_passed_over,
        "test_an_undecodable_message_of_our_own_stops_the_loop_and_keeps_its_offset",
    ),
)


@pytest.mark.parametrize(("defect", "test"), CASES, ids=[defect.__name__ for defect, _ in CASES])
def test_each_rule_has_a_test_that_fails_without_it(
    monkeypatch: pytest.MonkeyPatch, defect: Break, test: str
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.7)
    defect(monkeypatch)
    with pytest.raises(AssertionError):
        getattr(TransformSuite(), test)(FakeStage())
