"""Two processes on real Kafka, killed and joined by a third; and the same without the guards."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.lanes.crew import (
    Crew,
    check_facts,
    check_lanes,
    check_repeats,
    repeated_by_process,
)

KILLS = 3
SEED = 20_261_123
MILLISECONDS = (5, 60)


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


def test_nothing_is_lost_doubled_or_overlapping_and_repeats_are_bounded(crew: Crew) -> None:
    kill_and_rebalance(crew)
    check_facts(crew)
    check_lanes(crew)
    check_repeats(crew)
    assert len(crew.killed_ns) == KILLS
    skipped = crew.skipped()
    assert skipped > 0, "the metadata was never needed: the test proves nothing about it"
    repeated = repeated_by_process(crew)
    sys.stdout.write(
        f"seed {SEED}: {crew.sent} records, {KILLS} kills, repeated (all, answered) "
        f"{sorted(repeated.values())}, finished and skipped {skipped}\n"
    )


def test_a_rebalance_repeats_nothing(crew: Crew) -> None:
    rebalance(crew)
    check_facts(crew)
    check_lanes(crew)
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
