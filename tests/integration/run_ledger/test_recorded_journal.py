"""What the demo's runs wrote on the journal, replayed in random batchings with crashes."""

import random
from collections.abc import Iterator

import pytest

from run_ledger.adapters.projection.projection_store import ProjectionStore
from signalbox_contracts import topics
from signalbox_runtime import fault
from signalbox_runtime.records import Inbound, TopicPartition
from tests.integration.run_ledger import journal
from tests.journals import recorded

SEEDS = (1, 2, 3, 4, 5)
BATCH_MAX = 15
CRASH_SHARE = 0.4
CRASHES = ("ledger.before_commit", "ledger.after_commit")


def partitions() -> dict[TopicPartition, list[Inbound]]:
    """The recorded journal, by partition."""
    found: dict[TopicPartition, list[Inbound]] = {}
    for record in recorded.read(recorded.DEMO):
        place = TopicPartition(topics.RUNS_JOURNAL, record.partition)
        facts = found.setdefault(place, [])
        facts.append(
            Inbound(
                topic=place.topic,
                partition=place.partition,
                offset=len(facts),
                timestamp_ms=0,
                key=record.key.encode(),
                value=record.value,
            )
        )
    return found


def batches(
    found: dict[TopicPartition, list[Inbound]], begins: dict[TopicPartition, int], chosen: random.Random
) -> Iterator[list[Inbound]]:
    """From where each partition goes on to its end: some of one, some of another, as Kafka gives them."""
    at = dict(begins)
    while left := [place for place in sorted(found) if at[place] < len(found[place])]:
        batch: list[Inbound] = []
        for place in chosen.sample(left, chosen.randint(1, len(left))):
            facts = found[place][at[place] : at[place] + chosen.randint(1, BATCH_MAX)]
            at[place] += len(facts)
            batch += facts
        yield batch


@pytest.fixture(scope="module")
def in_one_batch(database_url: str) -> dict[str, list[str]]:
    """The tables that the whole journal comes to at once."""
    journal.make_history(database_url)
    found = partitions()
    store = ProjectionStore(database_url, "ledger-0")
    store.claim(list(found))
    store.store(store.prepare([fact for facts in found.values() for fact in facts]))
    store.close()
    return journal.dump(database_url)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_batches_with_crashes_come_to_the_same_tables(
    database_url: str,
    in_one_batch: dict[str, list[str]],
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal.make_history(database_url)
    found, chosen = partitions(), random.Random(seed)
    crashes = 0
    while True:
        store = ProjectionStore(database_url, f"ledger-{crashes}")
        try:
            for batch in batches(found, store.claim(list(found)), chosen):
                point = chosen.choice(CRASHES)
                armed = {point: ("error", 1)} if chosen.random() < CRASH_SHARE else {}
                monkeypatch.setattr(fault, "_armed", armed)
                store.store(store.prepare(batch))
            break
        except fault.FaultInjected:
            crashes += 1
        finally:
            store.close()
    assert journal.dump(database_url) == in_one_batch
    assert journal.miscounted(database_url) == []
    assert crashes > 0


def test_the_recorded_journal_holds_every_way_of_a_run(in_one_batch: dict[str, list[str]]) -> None:
    for table in ("runs", "skipped_runs", "attempts", "payloads", "events", "verdicts", "figures"):
        assert in_one_batch[table], table
    assert in_one_batch["defects"] == []
