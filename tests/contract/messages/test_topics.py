"""The topic declarations: complete, consistent with the messages and with the sizes of design.md."""

import pytest

from signalbox_contracts import topics
from signalbox_contracts.messages import MESSAGES
from signalbox_contracts.schemas import all_schemas
from signalbox_contracts.topics import Topic

MEBIBYTE = 1_048_576
ALL = topics.all_topics()
THIRTY_DAYS_MS = 30 * 86_400_000


def named(name: str) -> Topic:
    return topics.topics_by_name()[name]


def test_every_topic_constant_is_declared() -> None:
    constants = {
        topics.CRM_CATALOG,
        topics.CRM_COMMANDS,
        topics.CRM_COMMAND_RESULTS,
        topics.DEFINITIONS,
        topics.SECRETS,
        topics.ALERTS,
        topics.RUNS_REQUESTED,
        topics.RUNS_JOURNAL,
        topics.RUNS_CONTROL,
        topics.OUTBOX_POSITIONS,
        topics.DEAD_LETTERS,
        *topics.CRM_TOPICS,
        *topics.DELAY_BUCKETS_MS,
    }
    actions = {topic.name for topic in ALL if topic.name.startswith("actions.")}

    assert {topic.name for topic in ALL} == constants | actions
    assert len(actions) == 7


def test_every_message_travels_on_some_topic_and_every_declared_one_exists() -> None:
    declared = {name for topic in ALL for name in topic.messages}

    assert declared == {message.__name__ for message in MESSAGES}


@pytest.mark.parametrize("topic", ALL, ids=lambda each: each.name)
def test_declared_versions_have_schemas_and_what_is_written_is_readable(topic: Topic) -> None:
    known = {(schema.message, schema.version) for schema in all_schemas()}
    for name, versions in topic.messages.items():
        assert {(name, version) for version in versions.readable} <= known
        assert versions.write_version in versions.readable


@pytest.mark.parametrize("topic", ALL, ids=lambda each: each.name)
def test_sizes_are_those_of_the_design(topic: Topic) -> None:
    assert topic.max_message_bytes == (8 if topic.name == topics.DEAD_LETTERS else 4) * MEBIBYTE


@pytest.mark.parametrize("topic", ALL, ids=lambda each: each.name)
def test_what_is_deleted_is_kept_for_thirty_days(topic: Topic) -> None:
    assert topic.retention_ms == (THIRTY_DAYS_MS if "delete" in topic.cleanup else None)


@pytest.mark.parametrize("name", [*topics.DELAY_BUCKETS_MS, topics.CRM_COMMAND_RESULTS, *topics.CRM_TOPICS])
def test_topics_whose_append_time_decides_something_carry_it(name: str) -> None:
    assert named(name).timestamp == "LogAppendTime"


@pytest.mark.parametrize("topic", ALL, ids=lambda each: each.name)
def test_a_topic_keyed_by_lane_has_the_partitions_of_a_lane_topic(topic: Topic) -> None:
    assert (topic.key == "lane") == (topic.partitions == "lane") or topic.name == topics.DEAD_LETTERS
    assert topic.partition_count(24) in {1, 24}


def test_definitions_have_one_partition() -> None:
    assert named(topics.DEFINITIONS).partition_count(24) == 1


def test_the_broker_gets_its_own_names() -> None:
    assert named("crm.leads").broker_config() == {
        "cleanup.policy": "delete",
        "max.message.bytes": "4194304",
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": "2592000000",
    }
    assert "retention.ms" not in named(topics.CRM_CATALOG).broker_config()


def test_groups_are_the_services_that_share_the_partitions() -> None:
    assert named("crm.leads").groups() == ("trigger-router",)
    assert named(topics.CRM_COMMANDS).groups() == ("crm",)
    assert named(topics.CRM_CATALOG).groups() == ()
