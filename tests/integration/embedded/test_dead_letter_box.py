"""Sending dead letters back on a real cluster."""

import uuid
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from signalbox_contracts.topics import all_topics
from signalbox_embedded.dead_letter_box import DeadLetterBox, choose
from signalbox_runtime import topic_admin
from signalbox_runtime.dead_letters import dead_letter
from signalbox_runtime.records import Inbound
from signalbox_runtime.topic_plan import plan

SOURCE = "crm.accounts"


@pytest.fixture
def box(kafka_bootstrap: str) -> DeadLetterBox:
    options = {"bootstrap.servers": kafka_bootstrap}
    topic_admin.apply(options, plan(all_topics(), topic_admin.look(options, all_topics()), 4))
    return DeadLetterBox(options)


def give_up(bootstrap: str, key: bytes) -> None:
    source = Inbound(
        topic=SOURCE,
        partition=0,
        offset=1,
        timestamp_ms=1,
        key=key,
        value=b"poison",
        headers=(("ce_id", key),),
    )
    letter = dead_letter(source, "trigger-router", "not an event", at_ms=9)
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(letter.topic, letter.value, letter.key, headers=list(letter.headers))
    assert producer.flush(10) == 0


def records_of(bootstrap: str, key: bytes) -> list[tuple[Any, dict[str, Any]]]:
    """Value and headers of the source topic's committed records with this key."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "reader", "enable.partition.eof": True, "log_level": 0}
    )
    consumer.assign([TopicPartition(SOURCE, number, 0) for number in range(4)])
    found, open_ends = [], 4
    while open_ends:
        message = consumer.poll(10)
        assert message is not None
        if message.error():
            open_ends -= 1
        elif message.key() == key:
            found.append((message.value(), dict(message.headers() or [])))
    consumer.close()
    return found


def test_a_letter_goes_back_as_it_came_and_only_once(box: DeadLetterBox, kafka_bootstrap: str) -> None:
    key = f"demo/accounts/{uuid.uuid4().hex}".encode()
    give_up(kafka_bootstrap, key)
    letter = next(letter for letter in box.read() if letter.key == key)
    box.send_back(choose(box.read(), [letter.name], None))
    assert records_of(kafka_bootstrap, key) == [
        (b"poison", {"ce_id": key, "redriven-from": letter.name.encode()})
    ]
    after = next(letter for letter in box.read() if letter.key == key)
    assert after.redriven
    assert key not in {letter.key for letter in choose(box.read(), (), SOURCE)}
