"""The relay on real PostgreSQL and Kafka, broken at every point."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import OutboxPosition
from signalbox_runtime import fault
from signalbox_runtime.database import create_engine
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.outbox.errors import PositionAhead
from signalbox_runtime.outbox.log import KafkaRelayLog
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.outbox.tables import OutboxTables, create_statements
from signalbox_runtime.records import Outbound


@pytest.fixture
def name() -> str:
    """A relay, a schema and a topic of this test's own."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def topic(kafka_bootstrap: str, name: str) -> str:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    existing = admin.list_topics(timeout=30).topics
    wanted = [NewTopic(name, 1, 1)]
    if topics.OUTBOX_POSITIONS not in existing:
        wanted.append(NewTopic(topics.OUTBOX_POSITIONS, 1, 1, config={"cleanup.policy": "compact"}))
    for made in admin.create_topics(wanted).values():
        made.result(30)
    return name


@pytest.fixture
async def engine(database_url: str, name: str) -> AsyncIterator[AsyncEngine]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        for statement in create_statements(name):
            connection.execute(statement)
    # A connection for each of the inserts that meet: on a busy machine none waits out the pool's patience.
    engine = create_engine(database_url, pool_size=40)
    yield engine
    await engine.dispose()


@pytest.fixture(autouse=True)
def no_faults_left() -> Iterator[None]:
    yield
    fault._armed.clear()


def relay_of(name: str, database_url: str, bootstrap: str) -> OutboxRelay:
    kafka = ConfluentKafka({"bootstrap.servers": bootstrap}, name)
    return OutboxRelay(name, name, database_url, lambda: KafkaRelayLog(name, kafka))


@asynccontextmanager
async def relay_running(name: str, database_url: str, bootstrap: str) -> AsyncIterator[OutboxRelay]:
    relay = relay_of(name, database_url, bootstrap)
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await task


async def insert(engine: AsyncEngine, name: str, *values: str) -> int:
    async with engine.begin() as connection:
        return await OutboxTables(name).insert_rows(
            connection, [Outbound(name, b"k", value.encode(), (("h", b"v"),)) for value in values]
        )


def read_all(bootstrap: str, topic: str) -> list[str]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[str] = []
    while True:
        message = consumer.poll(10)
        assert message is not None
        error = message.error()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF
            break
        value = message.value()
        values.append("" if value is None else value.decode())
    consumer.close()
    return values


async def test_rows_arrive_once_in_order_and_are_said_to_be_effective(
    engine: AsyncEngine, database_url: str, kafka_bootstrap: str, name: str, topic: str
) -> None:
    first = await insert(engine, name, "a", "b")
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        assert await relay.effective(first, 30)
        last = await insert(engine, name, "c")
        assert await relay.effective(last, 5)
        assert not await relay.effective(last + 1, 0.1)
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        assert await relay.effective(last, 30)
    assert read_all(kafka_bootstrap, topic) == ["a", "b", "c"]


@pytest.mark.parametrize("point", ["relay.before_send", "relay.before_commit", "relay.after_commit"])
async def test_a_relay_broken_at_any_point_leaves_nothing_lost_and_nothing_twice(
    engine: AsyncEngine, database_url: str, kafka_bootstrap: str, name: str, topic: str, point: str
) -> None:
    last = await insert(engine, name, "a", "b")
    fault._armed.update(fault.parse(f"{point}:error:1"))
    with pytest.raises(fault.FaultInjected):
        async with relay_running(name, database_url, kafka_bootstrap) as relay:
            assert not await relay.effective(last, 5)
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        assert await relay.effective(last, 30)
    assert read_all(kafka_bootstrap, topic) == ["a", "b"]


async def test_of_two_relays_one_sends_and_the_other_takes_over_and_both_know_what_is_effective(
    engine: AsyncEngine, database_url: str, kafka_bootstrap: str, name: str, topic: str
) -> None:
    async with relay_running(name, database_url, kafka_bootstrap) as second:
        async with relay_running(name, database_url, kafka_bootstrap) as first:
            row = await insert(engine, name, "a")
            assert await first.effective(row, 30)
            assert await second.effective(row, 30)
            assert first.sending != second.sending
        row = await insert(engine, name, "b")
        assert await second.effective(row, 30)
    assert read_all(kafka_bootstrap, topic) == ["a", "b"]


async def test_a_position_hidden_by_the_open_transaction_of_another_relay_is_waited_for(
    engine: AsyncEngine, database_url: str, kafka_bootstrap: str, name: str, topic: str
) -> None:
    other = Producer({"bootstrap.servers": kafka_bootstrap, "transactional.id": uuid.uuid4().hex})
    other.init_transactions(30)
    other.begin_transaction()
    other.produce(
        topics.OUTBOX_POSITIONS,
        codec.encode(OutboxPosition(relay="another", generation="g", last_id=1)),
        b"another",
    )
    other.flush(30)
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        waiting = asyncio.create_task(insert(engine, name, "a"))
        row = await waiting
        assert not await relay.effective(row, 2)
        other.commit_transaction(30)
        assert await relay.effective(row, 30)
    assert read_all(kafka_bootstrap, topic) == ["a"]


async def test_a_position_past_the_table_stops_the_relay_and_a_new_generation_lets_it_go_on(
    engine: AsyncEngine, database_url: str, kafka_bootstrap: str, name: str, topic: str
) -> None:
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        assert await relay.effective(await insert(engine, name, "a", "b", "c"), 30)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {name}.outbox RESTART IDENTITY")
    row = await insert(engine, name, "d")
    relay = relay_of(name, database_url, kafka_bootstrap)
    with pytest.raises(PositionAhead, match="sent row 3, but the outbox has only given ids up to 1"):
        await relay.run(asyncio.Event())
    assert relay.waiting_for is not None
    assert "generation" in relay.waiting_for
    async with engine.begin() as connection:
        await OutboxTables(name).renew_generation(connection)
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        assert await relay.effective(row, 30)
    assert read_all(kafka_bootstrap, topic) == ["a", "b", "c", "d"]


async def test_ids_become_visible_in_order_however_inserts_interleave(
    engine: AsyncEngine, database_url: str, kafka_bootstrap: str, name: str, topic: str
) -> None:
    async with relay_running(name, database_url, kafka_bootstrap) as relay:
        rows = await asyncio.gather(*(insert(engine, name, f"{n}a", f"{n}b") for n in range(40)))
        assert await relay.effective(max(rows), 30)
    sent = read_all(kafka_bootstrap, topic)
    assert sorted(sent) == sorted(f"{n}{letter}" for n in range(40) for letter in "ab")
    assert all(sent[at][:-1] == sent[at + 1][:-1] for at in range(0, len(sent), 2))
