"""What has to be done to a cluster, decided from how it is found."""

from dataclasses import replace

from signalbox_contracts.topics import Topic
from signalbox_runtime.kafka.topic_plan import (
    OFFSETS_RETENTION_MINUTES,
    BrokerSettingTooLow,
    Cluster,
    CreateTopic,
    FoundTopic,
    OffsetLost,
    PartitionsDiffer,
    SettingDiffers,
    StartGroup,
    is_refusal,
    plan,
)
from signalbox_runtime.records import TopicPartition

TOPIC = Topic(
    name="runs.requested",
    description="",
    key="lane",
    partitions="lane",
    cleanup="delete",
    max_message_bytes=1_000,
    timestamp="CreateTime",
    messages={},
    producers=(),
    consumers={"evaluator": "group", "console": "view"},
    retention_ms=5_000,
)
EMPTY = Cluster(offsets_retention_minutes=OFFSETS_RETENTION_MINUTES)
PLACES = tuple(TopicPartition(TOPIC.name, number) for number in range(2))
THERE = FoundTopic(TOPIC.broker_config(), (0, 7))


def test_an_empty_cluster_gets_the_topic_and_its_group_the_first_offsets() -> None:
    assert plan([TOPIC], EMPTY, lane_partitions=2) == (
        CreateTopic(TOPIC, 2),
        StartGroup("evaluator", PLACES[0], 0),
        StartGroup("evaluator", PLACES[1], 0),
    )


def test_a_new_group_on_an_old_topic_starts_at_the_first_record_still_kept() -> None:
    found = replace(EMPTY, topics={TOPIC.name: THERE})
    assert plan([TOPIC], found, lane_partitions=2) == (
        StartGroup("evaluator", PLACES[0], 0),
        StartGroup("evaluator", PLACES[1], 7),
    )


def test_a_cluster_that_is_as_declared_needs_nothing() -> None:
    found = replace(EMPTY, topics={TOPIC.name: THERE}, committed={"evaluator": frozenset(PLACES)})
    assert plan([TOPIC], found, lane_partitions=2) == ()


def test_an_offset_that_was_given_once_is_not_given_again() -> None:
    found = replace(
        EMPTY,
        topics={TOPIC.name: THERE},
        committed={"evaluator": frozenset(PLACES[:1])},
        started={"evaluator": frozenset(PLACES)},
    )
    steps = plan([TOPIC], found, lane_partitions=2)
    assert steps == (OffsetLost("evaluator", PLACES[1]),)
    assert is_refusal(steps[0])


def test_another_partition_count_is_refused_and_never_changed() -> None:
    found = replace(EMPTY, topics={TOPIC.name: THERE}, committed={"evaluator": frozenset(PLACES)})
    steps = plan([TOPIC], found, lane_partitions=4)
    assert steps == (PartitionsDiffer(TOPIC.name, 4, 2),)
    assert is_refusal(steps[0])


def test_a_setting_that_differs_is_named_with_both_values() -> None:
    drifted = FoundTopic({**TOPIC.broker_config(), "retention.ms": "1"}, (0, 7))
    found = replace(EMPTY, topics={TOPIC.name: drifted}, committed={"evaluator": frozenset(PLACES)})
    steps = plan([TOPIC], found, lane_partitions=2)
    assert steps == (SettingDiffers(TOPIC.name, "retention.ms", "5000", "1"),)
    assert not is_refusal(steps[0])


def test_brokers_that_forget_idle_groups_are_refused() -> None:
    found = replace(EMPTY, offsets_retention_minutes=10_080)
    first = plan([TOPIC], found, lane_partitions=2)[0]
    assert first == BrokerSettingTooLow("offsets.retention.minutes", 10_080, OFFSETS_RETENTION_MINUTES)
    assert is_refusal(first)
