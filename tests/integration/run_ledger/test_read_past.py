"""Whether everybody has read past a deadline, on real Kafka: open transactions count, their ends don't."""

import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as KafkaPartition

from run_ledger.adapters.reading.read_past import RUNNER_GROUP, KafkaReadPast
from signalbox_contracts import topics
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.kafka.group_offsets import commit_offsets
from signalbox_runtime.kafka.group_progress import GroupProgress
from signalbox_runtime.testing.waiting import eventually
from tests.declared_topics import apply_topics
from tests.integration.run_ledger import journal, processes

ANSWERS = [topics.CRM_COMMAND_RESULTS]


class Stage:
    """A runner and a projection that have come as far as the test says."""

    def __init__(self, bootstrap: str, database_url: str) -> None:
        apply_topics(bootstrap)
        journal.make_history(database_url)
        self.options = {"bootstrap.servers": bootstrap}
        self.database_url = database_url
        self.progress = GroupProgress(self.options)
        kafka = ConfluentKafka(self.options, client_id="read-past")
        self.read_past = KafkaReadPast(kafka, self.options, database_url)
        self.producer = Producer({**self.options, "transactional.id": f"crm-{time.time_ns()}"})
        self.producer.init_transactions(30)

    def answer(self, finish: Callable[[], None] | None) -> int:
        """An answer of the CRM in partition 0; its transaction stays open without `finish`. Its offset."""
        self.producer.begin_transaction()
        offset: list[int] = []
        self.producer.produce(
            ANSWERS[0], b"answer", partition=0, on_delivery=lambda _, told: offset.append(told.offset() or 0)
        )
        self.producer.flush(10)
        if finish is not None:
            finish()
        return offset[0]

    def runner_commits(self, first_partition: int | None = None) -> None:
        ends = self.progress.log_ends(ANSWERS)
        places = [
            KafkaPartition(*place, first_partition if first_partition and place.partition == 0 else end)
            for place, end in ends.items()
        ]

        def committed() -> bool:
            try:
                commit_offsets(self.options, RUNNER_GROUP, places)
            except KafkaException as exception:
                # A runner of another test, on the same broker, is a member until its session ends.
                if exception.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID:
                    return False
                raise
            return True

        eventually(committed, "the runners of other tests to be forgotten")

    def projection_reaches_the_end(self) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            for place, end in self.progress.log_ends([topics.RUNS_JOURNAL]).items():
                connection.execute(
                    "INSERT INTO history.offsets VALUES (%s, %s, %s, 1, 'test')"
                    " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
                    (*place, end),
                )

    async def past(self, deadline_ms: int) -> bool:
        return await self.read_past.read_past(deadline_ms)


@pytest.fixture
def stage(kafka_bootstrap: str, database_url: str) -> Stage:
    return Stage(kafka_bootstrap, database_url)


async def test_an_answer_in_time_holds_it_up_until_it_is_read_and_shown(stage: Stage) -> None:
    stage.runner_commits()
    stage.projection_reaches_the_end()
    before_ms = time.time_ns() // 1_000_000
    assert await stage.past(before_ms)

    await asyncio.sleep(0.05)
    answered = stage.answer(stage.producer.commit_transaction)
    now_ms = time.time_ns() // 1_000_000 + 50
    assert await stage.past(before_ms)  # it came after that deadline
    assert not await stage.past(now_ms)
    stage.runner_commits(answered + 1)  # the end of the transaction lies behind it
    assert await stage.past(now_ms)

    stage.answer(None)
    later_ms = time.time_ns() // 1_000_000 + 50
    assert not await stage.past(later_ms)  # it may yet be committed
    stage.producer.abort_transaction()
    assert await stage.past(later_ms)


async def test_facts_on_their_way_to_the_history_hold_it_up(stage: Stage) -> None:
    from tests.unit.run_ledger import facts

    stage.runner_commits()
    stage.projection_reaches_the_end()
    now_ms = time.time_ns() // 1_000_000
    assert await stage.past(now_ms)
    processes.publish(str(stage.options["bootstrap.servers"]), [("lead-1", facts.judged(facts.started()))])
    assert not await stage.past(now_ms)
    stage.projection_reaches_the_end()
    assert await stage.past(now_ms)
