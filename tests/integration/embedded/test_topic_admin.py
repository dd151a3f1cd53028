"""Planning and applying topics on a real cluster."""

import uuid

import msgspec
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from signalbox_contracts.topics import Topic, all_topics, topics_by_name
from signalbox_runtime.kafka.topic_admin import apply, lags, look
from signalbox_runtime.kafka.topic_plan import (
    CreateTopic,
    OffsetLost,
    SettingDiffers,
    StartGroup,
    is_change,
    plan,
)
from signalbox_runtime.records import TopicPartition


def options(bootstrap: str) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": bootstrap}


def a_topic_and_group() -> tuple[Topic, str]:
    """A declared topic under a name of this test's own, with one group."""
    group = f"group-{uuid.uuid4().hex}"
    declared = topics_by_name()["runs.requested"]
    return msgspec.structs.replace(declared, name=f"t-{uuid.uuid4().hex}", consumers={group: "group"}), group


def delete_topic(bootstrap: str, name: str) -> None:
    admin = AdminClient(options(bootstrap))
    admin.delete_topics([name])[name].result(10)


def test_every_declared_topic_is_made_with_its_settings(kafka_bootstrap: str) -> None:
    apply(options(kafka_bootstrap), plan(all_topics(), look(options(kafka_bootstrap), all_topics()), 4))
    found = look(options(kafka_bootstrap), all_topics())
    assert plan(all_topics(), found, 4) == ()
    admin = AdminClient(options(kafka_bootstrap))
    resource = ConfigResource(ResourceType.TOPIC, "crm.command-results")
    settings = admin.describe_configs([resource])[resource].result(10)
    assert settings["message.timestamp.type"].value == "LogAppendTime"
    assert settings["max.message.bytes"].value == "4194304"


def test_a_new_group_can_start_reading_and_is_started_once(kafka_bootstrap: str) -> None:
    topic, group = a_topic_and_group()
    apply(options(kafka_bootstrap), plan([topic], look(options(kafka_bootstrap), [topic]), 1))
    producer = Producer(options(kafka_bootstrap))
    producer.produce(topic.name, b"first")
    assert producer.flush(10) == 0
    consumer = Consumer(
        {
            **options(kafka_bootstrap),
            "group.id": group,
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic.name])
    message = None
    for _ in range(30):
        message = consumer.poll(1)
        if message is not None:
            break
    assert message is not None
    assert message.error() is None
    consumer.commit(message=message, asynchronous=False)
    consumer.close()
    assert plan([topic], look(options(kafka_bootstrap), [topic]), 1) == ()
    reader = Consumer({**options(kafka_bootstrap), "group.id": group})
    assert reader.committed([KafkaTopicPartition(topic.name, 0)], timeout=10)[0].offset == 1
    reader.close()


def test_a_group_whose_offsets_are_gone_is_told_from_a_new_one(kafka_bootstrap: str) -> None:
    topic, group = a_topic_and_group()
    apply(options(kafka_bootstrap), plan([topic], look(options(kafka_bootstrap), [topic]), 1))
    admin = AdminClient(options(kafka_bootstrap))
    admin.delete_consumer_groups([group])[group].result(10)
    steps = plan([topic], look(options(kafka_bootstrap), [topic]), 1)
    assert steps == (OffsetLost(group, TopicPartition(topic.name, 0)),)
    assert not any(map(is_change, steps))


def test_a_topic_made_again_starts_its_group_again(kafka_bootstrap: str) -> None:
    topic, group = a_topic_and_group()
    apply(options(kafka_bootstrap), plan([topic], look(options(kafka_bootstrap), [topic]), 1))
    delete_topic(kafka_bootstrap, topic.name)
    steps = plan([topic], look(options(kafka_bootstrap), [topic]), 1)
    assert steps == (CreateTopic(topic, 1), StartGroup(group, TopicPartition(topic.name, 0), 0))
    apply(options(kafka_bootstrap), steps)
    assert plan([topic], look(options(kafka_bootstrap), [topic]), 1) == ()


def test_a_topic_made_again_before_the_group_was_looked_at_is_no_loss(kafka_bootstrap: str) -> None:
    topic, group = a_topic_and_group()
    apply(options(kafka_bootstrap), plan([topic], look(options(kafka_bootstrap), [topic]), 1))
    delete_topic(kafka_bootstrap, topic.name)
    apply(options(kafka_bootstrap), [CreateTopic(topic, 1)])
    assert plan([topic], look(options(kafka_bootstrap), [topic]), 1) == (
        StartGroup(group, TopicPartition(topic.name, 0), 0),
    )


def test_the_lag_of_a_group_is_what_it_has_not_committed(kafka_bootstrap: str) -> None:
    topic, group = a_topic_and_group()
    apply(options(kafka_bootstrap), plan([topic], look(options(kafka_bootstrap), [topic]), 1))
    assert lags(options(kafka_bootstrap), [topic]) == {group: 0}
    producer = Producer(options(kafka_bootstrap))
    for _ in range(3):
        producer.produce(topic.name, b"waiting")
    assert producer.flush(10) == 0
    assert lags(options(kafka_bootstrap), [topic]) == {group: 3}


def test_a_setting_that_differs_is_set_as_declared(kafka_bootstrap: str) -> None:
    topic, _ = a_topic_and_group()
    apply(options(kafka_bootstrap), plan([topic], look(options(kafka_bootstrap), [topic]), 1))
    changed = msgspec.structs.replace(topic, retention_ms=7_000, timestamp="LogAppendTime")
    steps = plan([changed], look(options(kafka_bootstrap), [changed]), 1)
    assert {step.setting for step in steps if isinstance(step, SettingDiffers)} == {
        "retention.ms",
        "message.timestamp.type",
    }
    apply(options(kafka_bootstrap), steps)
    assert plan([changed], look(options(kafka_bootstrap), [changed]), 1) == ()
