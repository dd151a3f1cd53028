"""What may be committed."""

import msgspec

from signalbox_runtime.kafka.broker import CommittedOffset
from signalbox_runtime.loops.lanes import finished_offsets
from signalbox_runtime.loops.lanes.progress import LARGE_BYTES, Progress, is_finished
from signalbox_runtime.records import TopicPartition
from tests.unit.lanes.builders import P0, P1, inbound


def taken_on(offset: int = 100, metadata: str = "", limit: int = 4_096) -> tuple[Progress, int]:
    progress = Progress(limit)
    epochs = progress.assign({P0: CommittedOffset(offset, metadata)})
    progress.open(epochs)
    return progress, epochs[P0]


def deliver(progress: Progress, *offsets: int) -> list[int]:
    """Offsets that were handed over as work."""
    deliveries = progress.receive([inbound(offset) for offset in offsets])
    return [delivery.inbound.offset for delivery in deliveries if not delivery.is_finished]


def committed(progress: Progress, partition: TopicPartition = P0) -> tuple[int, tuple[range, ...]]:
    at = progress.offsets({partition})[partition]
    return at.offset, finished_offsets.decode(at.offset, at.metadata)


def test_the_committed_offset_is_the_first_unfinished_one() -> None:
    progress, epoch = taken_on()
    deliver(progress, 100, 101, 102)
    assert committed(progress) == (100, ())
    progress.finish(P0, epoch, 101)
    assert committed(progress) == (100, (range(101, 102),))
    progress.finish(P0, epoch, 100)
    assert committed(progress) == (102, ())
    progress.finish(P0, epoch, 102)
    assert committed(progress) == (103, ())
    assert progress.held_total == 0


def test_transaction_markers_are_gaps_and_not_unfinished_records() -> None:
    progress, epoch = taken_on()
    deliver(progress, 100, 102, 105)
    progress.finish(P0, epoch, 100)
    assert committed(progress) == (102, ())
    progress.finish(P0, epoch, 105)
    # 103 and 104 were no records: one run.
    assert committed(progress) == (102, (range(103, 106),))
    progress.finish(P0, epoch, 102)
    assert committed(progress) == (106, ())


def test_a_gap_between_unfinished_records_makes_no_run() -> None:
    progress, epoch = taken_on()
    deliver(progress, 100, 102, 104, 106)
    progress.finish(P0, epoch, 106)
    assert committed(progress) == (100, (range(105, 107),))


def test_what_the_metadata_lists_is_not_worked_on_again() -> None:
    text = finished_offsets.encode(100, (range(101, 103), range(105, 106)))
    progress, _epoch = taken_on(100, text)
    assert deliver(progress, 100, 101, 102, 103, 105, 106) == [100, 103, 106]
    assert committed(progress) == (100, (range(101, 103), range(104, 106)))


def test_what_the_metadata_lists_stays_in_it_until_it_was_met() -> None:
    text = finished_offsets.encode(100, (range(150, 200),))
    progress, epoch = taken_on(100, text)
    deliver(progress, 100, 101)
    progress.finish(P0, epoch, 100)
    assert committed(progress) == (101, (range(150, 200),))
    progress.finish(P0, epoch, 101)
    assert committed(progress) == (102, (range(150, 200),))
    deliver(progress, 150)
    assert committed(progress) == (151, (range(151, 200),))


def test_records_met_again_are_reported_as_finished() -> None:
    progress, epoch = taken_on(100, finished_offsets.encode(100, (range(101, 102),)))
    deliveries = progress.receive([inbound(100), inbound(101)])
    assert [(d.inbound.offset, d.is_finished, d.epoch) for d in deliveries] == [
        (100, False, epoch),
        (101, True, epoch),
    ]
    assert progress.held_total == 1


def test_a_result_of_an_earlier_assignment_counts_nothing() -> None:
    progress, first = taken_on()
    deliver(progress, 100)
    progress.remove({P0})
    assert not progress.finish(P0, first, 100)
    second = progress.assign({P0: CommittedOffset(100)})
    progress.open(second)
    deliver(progress, 100)
    assert not progress.finish(P0, first, 100)
    assert committed(progress) == (100, ())
    assert progress.finish(P0, second[P0], 100)


def test_a_result_that_is_offered_again_after_an_abort_counts_once() -> None:
    progress, epoch = taken_on()
    deliver(progress, 100, 101)
    assert progress.finish(P0, epoch, 100)
    assert progress.finish(P0, epoch, 100)
    assert progress.held_total == 1
    assert committed(progress) == (101, ())


def test_nothing_is_handed_over_before_the_handler_is_ready() -> None:
    progress = Progress(4_096)
    first = progress.assign({P0: CommittedOffset(100)})
    assert deliver(progress, 100, 101) == []
    assert progress.closed() == {P0}
    assert progress.next_offset(P0) == 102
    second = progress.assign({P0: CommittedOffset(100)})
    progress.open(first)
    assert deliver(progress, 100) == []
    progress.open(second)
    assert [delivery.inbound.offset for delivery in progress.release()] == [100]
    assert progress.closed() == frozenset()


def test_records_of_partitions_that_are_gone_are_left_alone() -> None:
    progress, _epoch = taken_on()
    assert progress.receive([inbound(7, partition=P1)]) == []


def test_a_record_waits_until_the_metadata_surely_has_room() -> None:
    # 17 bytes of payload: a bitmap of 136 offsets, or 8 unfinished runs and a bit.
    progress, epoch = taken_on(0, limit=24)
    assert deliver(progress, *range(130)) == list(range(130))
    assert deliver(progress, 140, 141) == []
    assert progress.closed() == {P0}
    assert progress.next_offset(P0) == 142
    for offset in range(6, 130):
        progress.finish(P0, epoch, offset)
    # Six unfinished ones and the new one: run lengths have room whatever comes.
    assert [delivery.inbound.offset for delivery in progress.release()] == [140]
    for offset in range(6):
        progress.finish(P0, epoch, offset)
    assert [delivery.inbound.offset for delivery in progress.release()] == [141]
    assert progress.closed() == frozenset()


def test_what_became_of_a_transaction_is_read_from_what_is_committed() -> None:
    at = {P0: CommittedOffset(100, finished_offsets.encode(100, (range(103, 105),)))}
    assert [offset for offset in range(98, 108) if is_finished(at, P0, offset)] == [98, 99, 103, 104]


def test_a_large_record_is_held_as_many_until_it_has_a_result() -> None:
    progress, epoch = taken_on()
    large = msgspec.structs.replace(inbound(100), value=bytes(3 * LARGE_BYTES))
    progress.receive([large, inbound(101)])
    assert (progress.held_total, progress.held()) == (5, {P0: 5})
    progress.finish(P0, epoch, 100)
    progress.finish(P0, epoch, 100)
    assert (progress.held_total, progress.held()) == (1, {P0: 1})
    progress.receive([msgspec.structs.replace(large, offset=102)])
    progress.remove([P0])
    assert progress.held_total == 0
