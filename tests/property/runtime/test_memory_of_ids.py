"""Laws of the memory that recognises repeats."""

from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.refill import refill
from signalbox_runtime.records import TopicPartition
from signalbox_runtime.testing.fake_broker import FakeBroker
from signalbox_runtime.testing.fake_kafka import FakeKafka

HERE = TopicPartition("crm.leads", 0)
identities = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), max_size=40)
windows = st.integers(min_value=1, max_value=12)


def repeats_by_definition(log: list[bytes], window: int) -> list[bool]:
    """A record is a repeat if its id is among the `window` records before it."""
    return [identity in log[max(0, at - window) : at] for at, identity in enumerate(log)]


def is_allowed(log: list[bytes], window: int, at: int, decided: bool) -> bool:
    """Within the window a repeat must be known; further back it may be; what never came before is none."""
    must = log[at] in log[max(0, at - window) : at]
    may = log[at] in log[:at]
    return decided or not must if may else not decided


@given(log=identities, window=windows)
def test_a_repeat_is_an_id_of_the_records_just_before(log: list[bytes], window: int) -> None:
    memory = IdMemory(window, rewind_events_max=0)
    decided = [memory.seen_before(HERE, identity, offset) for offset, identity in enumerate(log)]
    assert decided == repeats_by_definition(log, window)


@given(
    log=identities,
    window=windows,
    rewind_max=st.integers(min_value=1, max_value=8),
    moves=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), max_size=6),
)
def test_redelivered_records_are_decided_by_what_came_before_them(
    log: list[bytes], window: int, rewind_max: int, moves: list[tuple[int, int]]
) -> None:
    memory = IdMemory(window, rewind_events_max=rewind_max)
    at = furthest = 0
    for forward, back in moves:
        to = min(len(log), at + forward)
        for offset in range(at, to):
            decided = memory.seen_before(HERE, log[offset], offset)
            assert is_allowed(log, window, offset, decided)
        furthest = max(furthest, to)
        at = max(0, furthest - min(back, rewind_max))


@given(log=identities, window=windows, begin=st.integers(min_value=0, max_value=40))
@settings(deadline=None)
def test_a_successor_knows_what_its_predecessor_knew(log: list[bytes], window: int, begin: int) -> None:
    broker = FakeBroker()
    broker.create_topic(HERE.topic)
    for identity in log:
        broker.append(HERE.topic, identity, identity)
    begin = min(begin, len(log))
    memory = IdMemory(window)
    refill(FakeKafka(broker), memory, {HERE: begin}, lambda inbound: inbound.value)
    for offset in range(begin, len(log)):
        assert is_allowed(log, window, offset, memory.seen_before(HERE, log[offset], offset))


@given(
    times=st.lists(st.integers(min_value=0, max_value=300), min_size=1, max_size=30),
    kept_ms=st.integers(min_value=1, max_value=400),
    data=st.data(),
)
@settings(deadline=None)
def test_an_id_is_known_for_as_long_as_was_asked_for_over_a_restart_too(
    times: list[int], kept_ms: int, data: st.DataObject
) -> None:
    times.sort()
    log = [data.draw(st.sampled_from([b"a", b"b", b"c"]), label="id") for _ in times]
    broker = FakeBroker()
    broker.create_topic(HERE.topic)
    for identity, time_ms in zip(log, times, strict=True):
        broker.append(HERE.topic, identity, identity, timestamp_ms=time_ms)
    begin = data.draw(st.integers(min_value=0, max_value=len(log)), label="assigned at")
    memory = IdMemory(events_max=2, kept_ms=kept_ms, rewind_events_max=0)
    refill(FakeKafka(broker), memory, {HERE: begin}, lambda inbound: inbound.value)
    for offset in range(begin, len(log)):
        repeat = memory.seen_before(HERE, log[offset], offset, times[offset])
        known = {log[at] for at in range(offset) if times[at] > times[offset] - kept_ms}
        if log[offset] in known:
            assert repeat
        if repeat:
            assert log[offset] in log[:offset]


def test_partitions_do_not_know_of_each_other_and_can_be_forgotten() -> None:
    memory = IdMemory()
    elsewhere = TopicPartition("crm.leads", 1)
    assert not memory.seen_before(HERE, b"a", 5)
    assert not memory.seen_before(elsewhere, b"a", 9)
    assert memory.seen_before(HERE, b"a", 6)
    memory.forget(HERE)
    assert memory.remembered(HERE) == 0
    assert not memory.seen_before(HERE, b"a", 7)
    assert memory.seen_before(elsewhere, b"a", 10)


def test_what_is_remembered_stays_within_the_window() -> None:
    memory = IdMemory(events_max=100, rewind_events_max=20)
    for offset in range(10_000):
        memory.seen_before(HERE, str(offset).encode(), offset)
    assert memory.remembered(HERE) == 120
