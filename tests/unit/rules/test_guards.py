"""What keeps workflows from running for ever."""

from datetime import timedelta

from signalbox_rules.guards import ALLOWED, RecentRuns, Refused, guard_loop, guard_rate
from tests.unit.rules.builders import NOW


def test_a_workflow_that_took_part_in_causing_an_event_does_not_run_for_it() -> None:
    refused = guard_loop("w-1", "avoid", ["w-2", "w-1"], 2)
    assert isinstance(refused, Refused)
    assert refused.reason == "loop"
    assert refused.chain == ("w-2", "w-1")


def test_reentry_may_be_allowed_and_others_in_the_chain_do_not_matter() -> None:
    assert guard_loop("w-1", "allow", ["w-1", "w-1"], 2) is ALLOWED
    assert guard_loop("w-1", "avoid", ["w-2"], 1) is ALLOWED
    assert guard_loop("w-1", "avoid", [], 0) is ALLOWED


def test_more_than_ten_changes_deep_is_always_refused() -> None:
    assert guard_loop("w-1", "allow", [], 10) is ALLOWED
    refused = guard_loop("w-1", "allow", ["w-2"] * 11, 11)
    assert isinstance(refused, Refused)
    assert refused.chain == ("w-2",) * 11


def test_twenty_runs_in_ten_minutes_and_not_one_more() -> None:
    recent = RecentRuns()
    for second in range(20):
        decision, recent = guard_rate(recent, NOW + timedelta(seconds=second))
        assert decision is ALLOWED
    decision, recent = guard_rate(recent, NOW + timedelta(seconds=20))
    assert isinstance(decision, Refused)
    assert decision.reason == "rate"
    assert len(recent.started) == 20


def test_the_window_moves_on() -> None:
    recent = RecentRuns(tuple(NOW + timedelta(seconds=second) for second in range(20)))
    assert isinstance(guard_rate(recent, NOW + timedelta(minutes=9, seconds=59))[0], Refused)
    decision, recent = guard_rate(recent, NOW + timedelta(minutes=10))
    assert decision is ALLOWED
    assert len(recent.started) == 20


def test_a_refused_run_does_not_count() -> None:
    recent = RecentRuns((NOW,) * 20)
    for _ in range(5):
        decision, recent = guard_rate(recent, NOW + timedelta(minutes=5))
        assert isinstance(decision, Refused)
    assert guard_rate(recent, NOW + timedelta(minutes=10))[0] is ALLOWED


def test_an_event_that_comes_late_is_judged_by_its_own_time_and_forgets_nothing() -> None:
    recent = RecentRuns((NOW,) * 20)
    decision, after_late = guard_rate(recent, NOW - timedelta(hours=1))
    assert decision is ALLOWED
    assert isinstance(guard_rate(after_late, NOW)[0], Refused)
