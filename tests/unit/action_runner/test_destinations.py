"""Breaker, pace and slowness of destinations."""

import pytest

from action_runner.destinations import Destinations, Go
from action_runner.domain import breaker, pace
from action_runner.domain.outcome import Failure, Permanent, Postponed, Retryable, Succeeded, Unknown
from action_runner.domain.retry import backoff_ms, wait_ms
from action_runner.outboxes import delay_topic
from signalbox_contracts.messages import RetryPolicy

DOWN = Retryable(Failure("http-status", "503"))
POLICY = RetryPolicy(attempts=5, first_backoff_ms=1_000, factor=2.0, max_backoff_ms=10_000)


def opened() -> Destinations:
    destinations = Destinations(lambda: 0.0)
    for _ in range(breaker.FAILURES_MAX):
        assert isinstance(destinations.ask("acme", "erp:443", 0), Go)
        destinations.tell("acme", "erp:443", DOWN, 0)
    return destinations


def test_a_destination_that_fails_in_a_row_gets_time_to_recover() -> None:
    refused = opened().ask("acme", "erp:443", 1_000)
    assert isinstance(refused, Postponed)
    assert refused.wait_ms == breaker.OPEN_FIRST_MS - 1_000


def test_other_destinations_and_other_tenants_are_not_held_up() -> None:
    destinations = opened()
    assert isinstance(destinations.ask("acme", "other:443", 0), Go)
    assert isinstance(destinations.ask("other", "erp:443", 0), Go)


def test_one_call_finds_out_and_success_opens_the_way_for_all() -> None:
    destinations = opened()
    later = breaker.OPEN_FIRST_MS
    assert isinstance(destinations.ask("acme", "erp:443", later), Go)
    assert isinstance(destinations.ask("acme", "erp:443", later), Postponed)
    destinations.tell("acme", "erp:443", Succeeded(b"{}"), later)
    assert isinstance(destinations.ask("acme", "erp:443", later), Go)


def test_a_probe_that_fails_closes_it_twice_as_long() -> None:
    destinations = opened()
    later = breaker.OPEN_FIRST_MS
    destinations.ask("acme", "erp:443", later)
    destinations.tell("acme", "erp:443", Unknown(Failure("timeout", "")), later)
    refused = destinations.ask("acme", "erp:443", later)
    assert isinstance(refused, Postponed)
    assert refused.wait_ms == 2 * breaker.OPEN_FIRST_MS


def test_a_probe_that_never_answers_does_not_close_it_for_ever() -> None:
    state = breaker.HalfOpen(0, breaker.OPEN_FIRST_MS)
    assert isinstance(breaker.ask(state, breaker.PROBE_MAX_MS - 1, 0.0), breaker.Refused)
    assert isinstance(breaker.ask(state, breaker.PROBE_MAX_MS, 0.0), breaker.Allowed)


def test_an_answer_of_any_kind_shows_that_it_works() -> None:
    destinations = Destinations(lambda: 0.0)
    for _ in range(breaker.FAILURES_MAX - 1):
        destinations.tell("acme", "erp:443", DOWN, 0)
    destinations.tell("acme", "erp:443", Permanent(Failure("http-status", "404")), 0)
    destinations.tell("acme", "erp:443", DOWN, 0)
    assert isinstance(destinations.ask("acme", "erp:443", 0), Go)


def test_destinations_not_heard_of_any_more_are_forgotten() -> None:
    destinations = Destinations(lambda: 0.0, calls_per_second=5)
    for number in range(100):
        destinations.ask("acme", f"host-{number}:443", 1_000)
        destinations.tell("acme", f"host-{number}:443", DOWN, 1_000)
    assert len(destinations) == 200
    destinations.ask("acme", "host-0:443", 1_000_000)
    assert len(destinations) == 1


def test_an_open_breaker_is_not_forgotten_before_its_time() -> None:
    destinations = opened()
    destinations.ask("acme", "other:443", 130_000)
    assert len(destinations) == 0
    again = opened()
    again.ask("acme", "other:443", breaker.OPEN_FIRST_MS - 1)
    assert isinstance(again.ask("acme", "erp:443", breaker.OPEN_FIRST_MS - 1), Postponed)


def test_fewer_failures_than_one_run_makes_never_open_it() -> None:
    assert breaker.FAILURES_MAX > 10


def test_calls_are_paced_and_queue_up_in_order() -> None:
    destinations = Destinations(lambda: 0.0, calls_per_second=2)
    waits = [destinations.ask("acme", "erp:443", 0) for _ in range(5)]
    assert waits == [Go(0), Go(0), Go(500), Go(1000), Go(1500)]


def test_a_long_queue_leaves_the_lane() -> None:
    destinations = Destinations(lambda: 0.0, calls_per_second=1)
    answers = [destinations.ask("acme", "erp:443", 0) for _ in range(10)]
    assert isinstance(answers[-1], Postponed)


@pytest.mark.parametrize("rate", [0.5, 1, 7, 1000])
def test_over_time_no_more_calls_go_than_the_pace_allows(rate: float) -> None:
    bucket, now_ms, gone = pace.full(rate, 0), 0, 0
    while True:
        bucket, wait = pace.take(bucket, now_ms, rate)
        now_ms += wait
        if now_ms > 20_000:
            break
        gone += 1
    assert gone <= rate * 20 + max(rate, 1) + 1
    assert gone >= rate * 20 - 1


def test_the_wait_grows_to_its_bound_and_is_spread() -> None:
    assert [backoff_ms(POLICY, attempt, 0.0) for attempt in (1, 2, 3, 4, 5, 99)] == [
        500, 1_000, 2_000, 4_000, 5_000, 5_000,
    ]  # fmt: skip
    assert backoff_ms(POLICY, 1, 0.999) == 999


def test_what_the_receiver_asks_for_counts_if_it_is_longer() -> None:
    assert wait_ms(POLICY, 1, 3_000, 0.0) == 3_000
    assert wait_ms(POLICY, 3, 10, 0.0) == 2_000


@pytest.mark.parametrize(
    ("remaining_ms", "topic"),
    [
        (0, "delays.1s"),
        (999, "delays.1s"),
        (9_999, "delays.1s"),
        (10_000, "delays.10s"),
        (59_999, "delays.10s"),
        (60_000, "delays.1m"),
        (3_599_999, "delays.10m"),
        (86_400_000 * 3, "delays.1d"),
    ],
)
def test_a_wait_takes_the_largest_delay_that_fits(remaining_ms: int, topic: str) -> None:
    assert delay_topic(remaining_ms) == topic
