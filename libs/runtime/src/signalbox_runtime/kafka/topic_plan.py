"""What has to be done to a cluster so that it has the declared topics and every group knows where to start.

Pure: `plan(declared, found)` compares; `topic_admin` looks and acts. What it decides:

    topic not there                          CreateTopic
    topic with other settings                SettingDiffers    set as declared, where that is asked for
    topic with other partition count         PartitionsDiffer  reported, left alone: it would break lanes
    group without an offset, never had one   StartGroup        at the partition's first record
    group without an offset, had one once    OffsetLost        refused: a month of mail would be sent again
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from signalbox_contracts.topics import Topic
from signalbox_runtime.records import TopicPartition

OFFSETS_RETENTION_MINUTES = 5_256_000
"""Ten years. At Kafka's default an idle group's offsets expire after a week."""


@dataclass(frozen=True, slots=True)
class CreateTopic:
    topic: Topic
    partitions: int

    def __str__(self) -> str:
        return f"create topic {self.topic.name} with {self.partitions} partitions"


@dataclass(frozen=True, slots=True)
class SettingDiffers:
    topic: str
    setting: str
    declared: str
    found: str

    def __str__(self) -> str:
        return f"set topic {self.topic}: {self.setting} from {self.found or 'nothing'} to {self.declared}"


@dataclass(frozen=True, slots=True)
class PartitionsDiffer:
    topic: str
    declared: int
    found: int

    def __str__(self) -> str:
        return (
            f"topic {self.topic} has {self.found} partitions, declared are {self.declared}; "
            "changing them takes draining and recreating it"
        )


@dataclass(frozen=True, slots=True)
class StartGroup:
    group: str
    partition: TopicPartition
    offset: int

    def __str__(self) -> str:
        return (
            f"start group {self.group} on {self.partition.topic}-{self.partition.partition} at {self.offset}"
        )


@dataclass(frozen=True, slots=True)
class OffsetLost:
    group: str
    partition: TopicPartition

    def __str__(self) -> str:
        return (
            f"group {self.group} has lost its offset on {self.partition.topic}-{self.partition.partition}: "
            "starting over would repeat everything still kept there; set the offset with Kafka's own tools"
        )


@dataclass(frozen=True, slots=True)
class BrokerSettingTooLow:
    setting: str
    found: int
    least: int

    def __str__(self) -> str:
        return f"the brokers' {self.setting} is {self.found}, and it must be at least {self.least}"


Step = CreateTopic | SettingDiffers | PartitionsDiffer | StartGroup | OffsetLost | BrokerSettingTooLow


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as it is: settings in Kafka's names, and the first offset still kept of each partition."""

    settings: Mapping[str, str]
    first_offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as it is. `started` are the partitions on which a group was once given its first offset.

    With a topic Kafka deletes every group's offsets on it, so both know only topics that are there.
    """

    offsets_retention_minutes: int
    topics: Mapping[str, FoundTopic] = field(default_factory=dict)
    committed: Mapping[str, frozenset[TopicPartition]] = field(default_factory=dict)
    started: Mapping[str, frozenset[TopicPartition]] = field(default_factory=dict)


def plan(declared: Iterable[Topic], found: Cluster, lane_partitions: int) -> tuple[Step, ...]:
    """The steps from `found` to `declared`, and what is wrong that no step puts right."""
    declared = tuple(declared)
    retention = _check_retention(found)
    topics = [step for topic in declared for step in _plan_topic(topic, found, lane_partitions)]
    groups = [step for topic in declared for step in _plan_groups(topic, found, lane_partitions)]
    return (*retention, *topics, *groups)


def is_refusal(step: Step) -> bool:
    """Whether services must not start with this as it is."""
    return isinstance(step, OffsetLost | BrokerSettingTooLow | PartitionsDiffer)


def is_change(step: Step) -> bool:
    """Whether `topic_admin.apply` does something for it."""
    return isinstance(step, CreateTopic | SettingDiffers | StartGroup)


def _check_retention(found: Cluster) -> tuple[Step, ...]:
    minutes = found.offsets_retention_minutes
    if minutes >= OFFSETS_RETENTION_MINUTES:
        return ()
    return (BrokerSettingTooLow("offsets.retention.minutes", minutes, OFFSETS_RETENTION_MINUTES),)


def _plan_topic(topic: Topic, found: Cluster, lane_partitions: int) -> Iterable[Step]:
    partitions = topic.partition_count(lane_partitions)
    there = found.topics.get(topic.name)
    if there is None:
        yield CreateTopic(topic, partitions)
        return
    if len(there.first_offsets) != partitions:
        yield PartitionsDiffer(topic.name, partitions, len(there.first_offsets))
    for setting, value in topic.broker_config().items():
        actual = there.settings.get(setting, "")
        if actual != value:
            yield SettingDiffers(topic.name, setting, value, actual)


def _plan_groups(topic: Topic, found: Cluster, lane_partitions: int) -> Iterable[Step]:
    there = found.topics.get(topic.name)
    first_offsets = there.first_offsets if there else (0,) * topic.partition_count(lane_partitions)
    for group in topic.groups():
        for number, first_offset in enumerate(first_offsets):
            partition = TopicPartition(topic.name, number)
            if partition in found.committed.get(group, frozenset()):
                continue
            if partition in found.started.get(group, frozenset()):
                yield OffsetLost(group, partition)
            else:
                yield StartGroup(group, partition, first_offset)
