"""The embedded Kafka keeps what it took: over a restart, and over the death of one broker of three."""

import os
import signal
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from signalbox_embedded import jars
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.kafka import EmbeddedKafka


@pytest.fixture(scope="module", autouse=True)
def downloaded() -> None:
    jars.fetch(jars.locked(), jars.cache_folder())


def create_topic(bootstrap: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, 1, -1)])[name].result(30)


def send(bootstrap: str, topic: str, first: int, count: int) -> None:
    """Numbers as records, each confirmed by all in-sync brokers."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    for number in range(first, first + count):
        producer.produce(topic, str(number).encode())
    assert producer.flush(30) == 0


def read(bootstrap: str, topic: str, count: int) -> list[int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "log_level": 0})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        deadline = time.monotonic() + 30
        found: list[int] = []
        while len(found) < count and time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None and message.error() is None:
                found.append(int(message.value() or b""))
        return found
    finally:
        consumer.close()


def test_records_outlive_a_clean_stop_and_a_kill(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path) as kafka:
        create_topic(kafka.bootstrap, "kept")
        send(kafka.bootstrap, "kept", 0, 100)
    with EmbeddedKafka(tmp_path) as kafka:
        send(kafka.bootstrap, "kept", 100, 100)
        os.kill(kafka.processes[0].pid, signal.SIGKILL)
    with EmbeddedKafka(tmp_path) as kafka:
        assert read(kafka.bootstrap, "kept", 200) == list(range(200))


def test_the_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "with space, ümlaut"
    with EmbeddedKafka(folder):
        pass
    assert (folder / "broker-1" / "log" / "meta.properties").exists()
    assert "started" in (folder / "broker-1" / "broker.log").read_text(encoding="utf-8").lower()


def test_three_brokers_lose_nothing_when_one_is_killed(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path, brokers=3) as kafka:
        create_topic(kafka.bootstrap, "kept")
        send(kafka.bootstrap, "kept", 0, 500)
        os.kill(kafka.processes[0].pid, signal.SIGKILL)
        send(kafka.bootstrap, "kept", 500, 500)
        assert read(kafka.bootstrap, "kept", 1_000) == list(range(1_000))


def test_a_folder_made_for_one_broker_is_not_taken_for_three(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path):
        pass
    with pytest.raises(EmbeddedError, match="another number of brokers"):
        EmbeddedKafka(tmp_path, brokers=3).start()


def test_topics_are_not_made_by_naming_them(kafka_bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.list_topics("never-declared", timeout=10)
    assert "never-declared" not in admin.list_topics(timeout=10).topics


def test_a_broker_that_can_not_start_says_why(tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path / "one") as running:
        taken = (running.brokers[0].port, running.brokers[0].controller_port)
        with pytest.raises(EmbeddedError, match=f"(?s)Kafka ended while starting.*{taken[1]}.*in use"):
            EmbeddedKafka(tmp_path / "two", ports=taken).start()
