"""Two processes on real Kafka, killed and joined by a third; and the same without the guards."""

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.lanes.crew import (
    PARTITIONS,
    Crew,
    check_facts,
    check_lanes,
    check_repeats,
    repeated_by_process,
)

KILLS = 3
KILLS_AT_A_POINT = 5
SEED = 20_261_123
MILLISECONDS = (5, 60)
LONG_CALL_MS = 9_000
"""The session ends after 6 s."""


@pytest.fixture
def crew(request: pytest.FixtureRequest, kafka_bootstrap: str, tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(kafka_bootstrap, tmp_path, getattr(request, "param", ""))
    yield crew
    crew.stop_all()


def kill_and_rebalance(crew: Crew) -> None:
    """One of two processes is killed and restarted, while a third one comes and goes."""
    chance = random.Random(SEED)
    with crew.feeding(chance, MILLISECONDS):
        for slot in (0, 1):
            crew.start(slot, static=True)
        for _ in range(KILLS):
            slot = chance.randrange(2)
            crew.wait_for_calls(slot, chance.randint(200, 800))
            crew.kill(slot)
            crew.start(slot, static=True)
            crew.start(2, static=False)
            crew.wait_for_calls(2, 100)
            assert crew.stop(2) == 0
    crew.wait_for_facts()


def rebalance(crew: Crew) -> None:
    """One process, joined by another that leaves again, twice. Nobody is killed."""
    with crew.feeding(random.Random(SEED), MILLISECONDS):
        crew.start(0, static=False)
        crew.wait_for_calls(0, 200)
        for _ in range(2):
            crew.start(1, static=False)
            crew.wait_for_calls(1, 200)
            assert crew.stop(1) == 0
    crew.wait_for_facts()


def tell(crew: Crew) -> None:
    """The figures for people."""
    repeated = sorted(repeated_by_process(crew).values())
    sys.stdout.write(
        f"seed {SEED}: {crew.sent} records, {len(crew.killed_ns)} kills, "
        f"repeated (all, answered) {repeated}, finished and skipped {crew.skipped()}\n"
    )


def test_nothing_is_lost_doubled_or_overlapping_and_repeats_are_bounded(crew: Crew) -> None:
    kill_and_rebalance(crew)
    check_facts(crew)
    check_lanes(crew)
    check_repeats(crew)
    assert len(crew.killed_ns) == KILLS
    assert crew.skipped() > 0, "the metadata was never needed: the test proves nothing about it"
    tell(crew)


def test_a_rebalance_repeats_nothing(crew: Crew) -> None:
    rebalance(crew)
    check_facts(crew)
    check_lanes(crew)
    check_repeats(crew)


@pytest.mark.parametrize("point", ["lanes.before_commit", "lanes.after_commit"])
def test_a_process_that_dies_around_its_commit_loses_and_doubles_nothing(crew: Crew, point: str) -> None:
    chance = random.Random(SEED)
    with crew.feeding(chance, MILLISECONDS):
        crew.start(1, static=True)
        for _ in range(KILLS_AT_A_POINT):
            crew.start(0, static=True, fault=f"{point}:kill:{chance.randint(1, 30)}")
            crew.wait_until_it_kills_itself(0)
        crew.start(0, static=True)
        crew.wait_for_calls(0, 100)
    crew.wait_for_facts()
    check_facts(crew)
    check_lanes(crew)
    check_repeats(crew)
    assert len(crew.killed_ns) == KILLS_AT_A_POINT
    tell(crew)


def test_a_process_that_stood_still_commits_nothing_of_what_it_lost(crew: Crew) -> None:
    with crew.feeding(random.Random(SEED), MILLISECONDS):
        for slot in (0, 1):
            crew.start(slot, static=False)
            crew.wait_for_calls(slot, 200)
        crew.pause(1)
        stood_still = crew.processes[1].pid
        # Its session ends after 6 s; then the other one has all partitions.
        calls_before = len(crew.calls())
        time.sleep(9)
        assert len(crew.calls()) > calls_before
        crew.go_on(1)
        crew.wait_for_calls(1, 600)
    crew.wait_for_facts()
    check_facts(crew)
    check_repeats(crew)
    assert stood_still in repeated_by_process(crew)


def test_a_stop_waits_for_calls_longer_than_the_session(crew: Crew) -> None:
    crew.send_one_to_each_partition(LONG_CALL_MS)
    crew.start(0, static=False)
    crew.wait_for_calls(0, PARTITIONS)
    assert crew.stop(0) == 0
    check_facts(crew)
    assert repeated_by_process(crew) == {}


def test_a_rebalance_waits_for_calls_longer_than_the_session(crew: Crew) -> None:
    crew.send_one_to_each_partition(LONG_CALL_MS)
    crew.start(0, static=False)
    crew.wait_for_calls(0, PARTITIONS)
    crew.start(1, static=False)
    crew.wait_for_facts()
    crew.send_one_to_each_partition(0)
    crew.wait_for_calls(1, 1)
    crew.wait_for_facts()
    check_facts(crew)
    assert repeated_by_process(crew) == {}


@pytest.mark.parametrize("crew", ["drain"], indirect=True)
def test_without_the_drain_that_is_noticed(crew: Crew) -> None:
    rebalance(crew)
    with pytest.raises(AssertionError, match="was not killed"):
        check_repeats(crew)


@pytest.mark.parametrize("crew", ["metadata"], indirect=True)
def test_without_the_metadata_that_is_noticed(crew: Crew) -> None:
    kill_and_rebalance(crew)
    with pytest.raises(AssertionError, match="more than one fact"):
        check_facts(crew)
