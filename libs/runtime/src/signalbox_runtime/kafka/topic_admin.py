"""Looks at a cluster's topics and groups, and carries out a plan: `signalbox topics plan` and `apply`.

Consumers run with `auto.offset.reset=error`, so a group needs its first offset before its service starts. It
is given once. That it was given is remembered in a second group, which has no members: so a group that is new
can be told from one that lost its offsets.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from signalbox_contracts.topics import Topic
from signalbox_runtime.errors import TopicAdminError
from signalbox_runtime.kafka.group_offsets import (
    ONLY_CRITICAL_LOGS,
    TIMEOUT_SECONDS,
    KafkaOptions,
    commit_offsets,
    committed_offsets,
    log_offsets,
    once_settled,
    reason,
)
from signalbox_runtime.kafka.topic_plan import (
    Cluster,
    CreateTopic,
    FoundTopic,
    SettingDiffers,
    StartGroup,
    Step,
)
from signalbox_runtime.records import TopicPartition

_BROKERS_OWN_REPLICATION = -1
_GROUPS_AT_ONCE = 8  # each waits for its coordinator most of the time


def look(options: KafkaOptions, declared: Iterable[Topic]) -> Cluster:
    """How the cluster is, as far as the declared topics and their groups go.

    `options` are librdkafka's, with `bootstrap.servers`. Raises: TopicAdminError.
    """
    declared = tuple(declared)
    admin = _open_admin(options)
    try:
        there = _partition_counts(admin, declared)
        places = _places_of_groups(declared, there)
        with ThreadPoolExecutor(_GROUPS_AT_ONCE) as pool:
            memories = map(_memory_of, places)
            committed = pool.map(partial(committed_offsets, options), places, places.values())
            started = pool.map(partial(committed_offsets, options), memories, places.values())
            return Cluster(
                offsets_retention_minutes=_offsets_retention_minutes(admin),
                topics=_found_topics(admin, there),
                committed=dict(zip(places, map(frozenset, committed), strict=True)),
                started=dict(zip(places, map(frozenset, started), strict=True)),
            )
    except KafkaException as error:
        raise TopicAdminError(f"could not read the cluster's topics and groups: {reason(error)}") from error


def apply(options: KafkaOptions, steps: Sequence[Step]) -> None:
    """Create topics, set what differs, give groups their first offsets; refusals are passed over.

    Raises: TopicAdminError. What was done before it stays done, and a second call does the rest.
    """
    _create([step for step in steps if isinstance(step, CreateTopic)], options)
    _set([step for step in steps if isinstance(step, SettingDiffers)], options)
    starts: dict[str, list[KafkaTopicPartition]] = {}
    for step in steps:
        if isinstance(step, StartGroup):
            place = KafkaTopicPartition(step.partition.topic, step.partition.partition, step.offset)
            starts.setdefault(step.group, []).append(place)
    with ThreadPoolExecutor(_GROUPS_AT_ONCE) as pool:
        for done in [pool.submit(_start_group, options, group, places) for group, places in starts.items()]:
            done.result()


def _start_group(options: KafkaOptions, group: str, places: list[KafkaTopicPartition]) -> None:
    # The group first: a crash between the two leaves a group with offsets, which is in order.
    try:
        for name in (group, _memory_of(group)):
            commit_offsets(options, name, places)
    except KafkaException as error:
        raise TopicAdminError(
            f"could not give group {group} its first offsets: {reason(error)}. "
            "Stop its services and try again."
        ) from error


def lags(options: KafkaOptions, declared: Iterable[Topic]) -> dict[str, int]:
    """How many offsets each declared group is behind, all its partitions together.

    A transaction's marker takes an offset too, so an idle group may be a few behind for good. A partition
    without a committed offset counts whole. Raises: TopicAdminError.
    """
    declared = tuple(declared)
    admin = _open_admin(options)
    try:
        places = _places_of_groups(declared, _partition_counts(admin, declared))
        with ThreadPoolExecutor(_GROUPS_AT_ONCE) as pool:
            behind = pool.map(partial(_lag, options, admin), places, places.values())
            return dict(zip(places, behind, strict=True))
    except KafkaException as error:
        raise TopicAdminError(f"could not read how far the groups are: {reason(error)}") from error


def _lag(options: KafkaOptions, admin: AdminClient, group: str, places: list[KafkaTopicPartition]) -> int:
    committed = committed_offsets(options, group, places)
    ends = log_offsets(admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    starts = log_offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    return sum(end - committed.get(place, starts[place]) for place, end in ends.items())


def _create(steps: Sequence[CreateTopic], options: KafkaOptions) -> None:
    if not steps:
        return
    new = [
        NewTopic(
            step.topic.name,
            num_partitions=step.partitions,
            replication_factor=_BROKERS_OWN_REPLICATION,
            config=step.topic.broker_config(),
        )
        for step in steps
    ]
    admin = _open_admin(options)  # has to live as long as the answers are awaited
    for name, created in admin.create_topics(new, operation_timeout=TIMEOUT_SECONDS).items():
        try:
            created.result(TIMEOUT_SECONDS)
        except KafkaException as error:
            raise TopicAdminError(f"could not create topic {name}: {reason(error)}") from error
    once_settled(lambda: _raise_unless_there(admin, new))


def _set(steps: Sequence[SettingDiffers], options: KafkaOptions) -> None:
    if not steps:
        return
    by_topic: dict[str, list[ConfigEntry]] = {}
    for step in steps:
        entry = ConfigEntry(step.setting, step.declared, incremental_operation=AlterConfigOpType.SET)
        by_topic.setdefault(step.topic, []).append(entry)
    resources = [
        ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        for name, entries in by_topic.items()
    ]
    admin = _open_admin(options)
    for resource, done in admin.incremental_alter_configs(resources).items():
        try:
            done.result(TIMEOUT_SECONDS)
        except KafkaException as error:
            raise TopicAdminError(f"could not set topic {resource.name}: {reason(error)}") from error


def _raise_unless_there(admin: AdminClient, topics: Iterable[NewTopic]) -> None:
    """A created topic is known to the controller first, and to the brokers a little later."""
    there = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    if not all(topic.topic in there for topic in topics):
        raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))


def _open_admin(options: KafkaOptions) -> AdminClient:
    return AdminClient({**options, "log_level": ONLY_CRITICAL_LOGS})


def _memory_of(group: str) -> str:
    return f"{group}.first-offsets"


def _partition_counts(admin: AdminClient, declared: Iterable[Topic]) -> dict[str, int]:
    """Of the declared topics that exist."""
    found = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    return {topic.name: len(found[topic.name].partitions) for topic in declared if topic.name in found}


def _places_of_groups(
    declared: Sequence[Topic], partition_counts: Mapping[str, int]
) -> dict[str, list[KafkaTopicPartition]]:
    """Every existing partition that each declared group reads."""
    return {
        group: [
            KafkaTopicPartition(topic.name, partition)
            for topic in declared
            if group in topic.groups()
            for partition in range(partition_counts.get(topic.name, 0))
        ]
        for group in sorted({group for topic in declared for group in topic.groups()})
    }


def _found_topics(admin: AdminClient, partition_counts: Mapping[str, int]) -> dict[str, FoundTopic]:
    if not partition_counts:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in partition_counts]
    settings = {
        resource.name: {name: entry.value for name, entry in described.result(TIMEOUT_SECONDS).items()}
        for resource, described in admin.describe_configs(resources).items()
    }
    places = [
        KafkaTopicPartition(name, partition)
        for name, count in partition_counts.items()
        for partition in range(count)
    ]
    offsets = log_offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    return {
        name: FoundTopic(
            settings[name], tuple(offsets[TopicPartition(name, partition)] for partition in range(count))
        )
        for name, count in partition_counts.items()
    }


def _offsets_retention_minutes(admin: AdminClient) -> int:
    brokers = admin.list_topics(timeout=TIMEOUT_SECONDS).brokers
    resource = ConfigResource(ResourceType.BROKER, str(min(brokers)))
    settings = admin.describe_configs([resource])[resource].result(TIMEOUT_SECONDS)
    return int(settings["offsets.retention.minutes"].value)
