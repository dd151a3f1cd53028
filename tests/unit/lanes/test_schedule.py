"""What may start."""

from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.loops.lanes.schedule import (
    NO_DESTINATION,
    Decision,
    Entry,
    Later,
    Overflow,
    Schedule,
    Start,
)
from tests.unit.lanes.builders import P0, P1, entry

NOW = 10_000


def schedule_of(*entries: Entry[None], limits: LaneLimits | None = None) -> Schedule[None]:
    schedule: Schedule[None] = Schedule(limits or LaneLimits())
    for each in entries:
        schedule.offer(each)
    return schedule


def start_all(schedule: Schedule[None], now_ms: int = NOW) -> list[Entry[None]]:
    started: list[Entry[None]] = []
    while (decision := schedule.next(now_ms)) is not None:
        assert isinstance(decision, Start)
        started.append(decision.entry)
    return started


def entry_of(decision: Decision[None] | None) -> Entry[None]:
    assert isinstance(decision, Start)
    return decision.entry


def offsets(entries: list[Entry[None]]) -> list[int]:
    return [each.work.inbound.offset for each in entries]


def test_a_lane_runs_one_at_a_time_in_offset_order() -> None:
    schedule = schedule_of(entry(1, "a"), entry(2, "a"), entry(3, "b"))
    first = start_all(schedule)
    assert offsets(first) == [1, 3]
    schedule.ended(first[0], called=True)
    assert offsets(start_all(schedule)) == [2]


def test_the_same_key_in_another_partition_is_another_lane() -> None:
    schedule = schedule_of(entry(1, "a"), entry(1, "a", partition=P1))
    assert len(start_all(schedule)) == 2


def test_a_destination_runs_only_so_many_and_holds_back_no_other() -> None:
    limits = LaneLimits(destination_in_flight_max=2)
    schedule = schedule_of(
        *(entry(n, destination="slow") for n in range(5)), entry(9, destination="fast"), limits=limits
    )
    started = start_all(schedule)
    assert sorted(offsets(started)) == [0, 1, 9]
    schedule.ended(started[0], called=True)
    assert offsets(start_all(schedule)) == [2]


def test_tenants_take_turns() -> None:
    schedule = schedule_of(
        *(entry(n, tenant="loud", destination=f"l{n}") for n in range(4)),
        *(entry(n, tenant="calm", destination=f"c{n}") for n in range(10, 12)),
    )
    assert offsets(start_all(schedule)) == [0, 10, 1, 11, 2, 3]


def test_a_tenant_leaves_room_for_a_newcomer() -> None:
    limits = LaneLimits(in_flight_max=10, destination_in_flight_max=100)
    schedule = schedule_of(*(entry(n, tenant="loud") for n in range(20)), limits=limits)
    assert len(start_all(schedule)) == 5
    for n in range(30, 40):
        schedule.offer(entry(n, tenant="calm"))
    assert len(start_all(schedule)) == 3


def test_no_more_calls_run_than_the_process_may() -> None:
    limits = LaneLimits(in_flight_max=10, destination_in_flight_max=100)
    schedule = schedule_of(*(entry(n, tenant=f"t{n}") for n in range(20)), limits=limits)
    assert len(start_all(schedule)) == 10
    assert schedule.in_flight == 10
    assert schedule.waiting == 10


def test_no_call_starts_while_a_hundred_are_made_and_not_committed() -> None:
    limits = LaneLimits(destination_in_flight_max=50, uncommitted_max=100)
    schedule = schedule_of(*(entry(n, destination=f"d{n}") for n in range(300)), limits=limits)
    for _ in range(100):
        decision = schedule.next(NOW)
        assert isinstance(decision, Start)
        schedule.ended(decision.entry, called=True)
    assert schedule.next(NOW) is None
    schedule.settled(1)
    assert isinstance(schedule.next(NOW), Start)


def test_calls_just_begun_count_until_they_are_old() -> None:
    limits = LaneLimits(uncommitted_max=100, uncommitted_young_max=50, young_ms=20)
    schedule = schedule_of(*(entry(n, destination=f"d{n}") for n in range(400)), limits=limits)
    first = [entry_of(schedule.next(NOW)) for _ in range(150)]
    assert schedule.next(NOW + 5) == Later(NOW + 20)
    for each in first[:60]:
        schedule.ended(each, called=True)
    # 60 answered, 90 on their way.
    assert schedule.next(NOW + 5) == Later(NOW + 20)
    # The 90 have become slow calls: 90 more.
    assert [entry_of(schedule.next(NOW + 20)) for _ in range(90)]
    assert schedule.next(NOW + 20) == Later(NOW + 40)
    schedule.settled(60)
    assert [entry_of(schedule.next(NOW + 20)) for _ in range(60)]
    assert schedule.next(NOW + 20) == Later(NOW + 40)


def test_work_that_calls_nobody_waits_for_nothing_but_its_lane() -> None:
    limits = LaneLimits(destination_in_flight_max=1, uncommitted_max=1)
    schedule = schedule_of(*(entry(n, destination=NO_DESTINATION) for n in range(5)), limits=limits)
    call = entry(9, destination="d")
    schedule.offer(call)
    for n in range(5):
        decision = schedule.next(NOW)
        assert isinstance(decision, Start)
        assert decision.entry.work.inbound.offset == n
        schedule.ended(decision.entry, called=False)
    assert isinstance(schedule.next(NOW), Start)
    schedule.ended(call, called=True)
    schedule.offer(entry(10, destination=NO_DESTINATION))
    assert isinstance(schedule.next(NOW), Start)


def overflown_of(schedule: Schedule[None], now_ms: int) -> list[tuple[int, int]]:
    """Offset and wait of everything that overflows now."""
    overflown: list[tuple[int, int]] = []
    while isinstance(decision := schedule.next(now_ms), Overflow):
        overflown.append((decision.entry.work.inbound.offset, decision.wait_ms))
        schedule.ended(decision.entry, called=False)
    assert decision is None
    return overflown


HANGING = LaneLimits(
    destination_in_flight_max=2, destination_queue_max=3, decoded_max=16, unanswered_ms=2_000
)
"""Two places; a tenant alone has eight records decoded."""


def test_what_exceeds_a_hanging_destination_leaves_in_order_at_the_rate_it_answers() -> None:
    schedule = schedule_of(*(entry(n) for n in range(8)), limits=HANGING)
    assert offsets(start_all(schedule, 0)) == [0, 1]
    schedule.relieve(lambda _: True, 2_000)
    assert overflown_of(schedule, 2_000) == []  # this process may have stood still
    schedule.relieve(lambda _: True, 4_000)
    # Three stay. A call takes four seconds by now and two run at once.
    assert overflown_of(schedule, 4_000) == [(5, 12_000), (6, 14_000), (7, 16_000)]
    assert schedule.waiting == 3


def test_nothing_overflows_while_there_is_room_or_nothing_else_to_reach() -> None:
    schedule = schedule_of(*(entry(n) for n in range(7)), limits=HANGING)
    start_all(schedule, 0)
    for now_ms in (2_000, 60_000):
        schedule.relieve(lambda _: True, now_ms)
        assert overflown_of(schedule, now_ms) == []
    schedule.offer(entry(7))
    schedule.relieve(lambda _: False, 60_000)
    assert overflown_of(schedule, 60_000) == []


def test_a_queue_before_a_destination_that_answers_is_not_slowness() -> None:
    schedule = schedule_of(*(entry(n) for n in range(8)), limits=HANGING)
    running, now_ms = start_all(schedule, 0), 0
    for n in range(8, 400):
        now_ms += 500  # so a call takes a second
        schedule.next(now_ms)
        schedule.ended(running.pop(0), called=True)
        schedule.settled(1)
        schedule.offer(entry(n))
        schedule.relieve(lambda _: True, now_ms)
        running += start_all(schedule, now_ms)


def test_a_backlog_that_only_waits_for_a_commit_does_not_overflow() -> None:
    limits = LaneLimits(
        destination_in_flight_max=2, destination_queue_max=1, uncommitted_max=2, decoded_max=4
    )
    schedule = schedule_of(*(entry(n) for n in range(6)), limits=limits)
    for each in start_all(schedule, 0):
        schedule.ended(each, called=True)
    for now_ms in (30_000, 60_000):
        schedule.relieve(lambda _: True, now_ms)
        assert schedule.next(now_ms) is None


def test_dropping_what_is_about_to_overflow_leaves_no_trace_of_it() -> None:
    schedule = schedule_of(*(entry(n) for n in range(8)), limits=HANGING)
    running = start_all(schedule, 0)
    for now_ms in (2_000, 4_000):
        schedule.relieve(lambda _: True, now_ms)
    assert schedule.drop({P0}) == running
    for each in running:
        schedule.ended(each, called=True)
    assert schedule.next(4_000) is None
    assert schedule.in_flight == schedule.waiting == 0


def test_a_destination_keeps_places_for_a_tenant_that_has_none_there() -> None:
    schedule = schedule_of(*(entry(n, tenant="loud") for n in range(300)))
    assert len(start_all(schedule)) == 45
    for n in range(300, 310):
        schedule.offer(entry(n, tenant="calm"))
    assert offsets(start_all(schedule)) == [300, 301, 302, 303, 304]


def test_tenants_of_one_destination_come_to_have_equal_shares() -> None:
    schedule = schedule_of(*(entry(n, tenant="loud") for n in range(300)))
    loud = start_all(schedule)
    for n in range(300, 600):
        schedule.offer(entry(n, tenant="calm"))
    running = {"loud": 45, "calm": len(start_all(schedule))}
    for each in loud[:30]:
        schedule.ended(each, called=True)
        schedule.settled(1)
        running["loud"] -= 1
        for started in start_all(schedule):
            running[started.work.tenant_id] += 1
    assert running == {"loud": 22, "calm": 22}


def test_a_tenant_leaves_room_for_decoding_a_newcomers_records() -> None:
    schedule = schedule_of(*(entry(n, tenant="loud") for n in range(8)), limits=HANGING)
    assert not schedule.has_room("loud")
    assert schedule.has_room("calm")


def test_a_lane_that_is_dropped_while_it_runs_starts_again_only_after_that() -> None:
    old = entry(1, "a", epoch=1)
    schedule = schedule_of(old, entry(2, "a", epoch=1), entry(3, "b", epoch=1))
    assert isinstance(schedule.next(NOW), Start)
    assert schedule.drop({P0}) == [old]
    assert schedule.waiting == 0
    again = entry(1, "a", epoch=2)
    schedule.offer(again)
    assert schedule.next(NOW) is None
    schedule.ended(old, called=True)
    decision = schedule.next(NOW)
    assert isinstance(decision, Start)
    assert decision.entry is again


def test_dropping_leaves_no_trace_of_what_waited() -> None:
    limits = LaneLimits(destination_in_flight_max=1, destination_queue_max=1)
    kept = entry(50, destination="d", partition=P1)
    schedule = schedule_of(
        *(entry(n, tenant=f"t{n % 3}", destination=destination) for n, destination in enumerate("dde" * 5)),
        entry(40, destination=NO_DESTINATION),
        kept,
        limits=limits,
    )
    running = [each for each in start_all(schedule, 0) if each.work.inbound.partition == 0]
    assert sorted(offsets(schedule.drop({P0}))) == sorted(offsets(running))
    for each in running:
        schedule.ended(each, called=True)
    assert start_all(schedule, 60_000) == [kept]
    schedule.ended(kept, called=False)
    assert schedule.in_flight == schedule.waiting == 0
