"""Looks at a cluster's topics and groups, and carries out a plan: `signalbox topics plan` and `apply`.

Consumers run with `auto.offset.reset=error`, so a group needs its first offset before its service starts. It
is given once. That it was given is remembered in a second group, which has no members: so a group that is new
can be told from one that lost its offsets.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from signalbox_contracts.topics import Topic
from signalbox_runtime.errors import TopicAdminError
from signalbox_runtime.records import TopicPartition
from signalbox_runtime.topic_plan import Cluster, CreateTopic, FoundTopic, StartGroup, Step

T = TypeVar("T")
KafkaOptions = Mapping[str, str | int | float | bool]
"""librdkafka's options by their own names; `bootstrap.servers` has to be among them."""

_TIMEOUT_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
_SETTLING = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)
"""What a cluster answers that has just started or just lost a broker; asked again it knows better."""
_BROKERS_OWN_REPLICATION = -1
_ONLY_CRITICAL_LOGS = 2
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
        raise TopicAdminError(f"could not read the cluster's topics and groups: {_reason(error)}") from error


def apply(options: KafkaOptions, steps: Sequence[Step]) -> None:
    """Create topics and give groups their first offsets; steps that only report are passed over.

    Raises: TopicAdminError. What was done before it stays done, and a second call does the rest.
    """
    _create([step for step in steps if isinstance(step, CreateTopic)], options)
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
    for name in (group, _memory_of(group)):
        _commit(options, name, places)


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
        raise TopicAdminError(f"could not read how far the groups are: {_reason(error)}") from error


def committed_offsets(
    options: KafkaOptions, group: str, places: Sequence[KafkaTopicPartition]
) -> dict[TopicPartition, int]:
    """A group's offsets on those of `places` where it has one.

    Raises: KafkaException. Not the admin client's call for it: while the group's coordinator loads, as after
    a broker's start, that one ends the whole process with a segmentation fault (librdkafka 2.16.1 looks for
    the consumer group that an admin client hasn't got, in its OffsetFetch handler).
    """
    if not places:
        return {}
    with _member_of_nothing(options, group) as consumer:
        found = _once_settled(
            lambda: _raise_errors(consumer.committed(list(places), timeout=_TIMEOUT_SECONDS))
        )
    return {
        TopicPartition(place.topic, place.partition): place.offset for place in found if place.offset >= 0
    }


def _lag(options: KafkaOptions, admin: AdminClient, group: str, places: list[KafkaTopicPartition]) -> int:
    committed = committed_offsets(options, group, places)
    ends = _offsets(admin, places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
    starts = _offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
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
    for name, created in admin.create_topics(new, operation_timeout=_TIMEOUT_SECONDS).items():
        try:
            created.result(_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise TopicAdminError(f"could not create topic {name}: {_reason(error)}") from error
    _once_settled(lambda: _raise_unless_there(admin, new))


def _raise_unless_there(admin: AdminClient, topics: Iterable[NewTopic]) -> None:
    """A created topic is known to the controller first, and to the brokers a little later."""
    there = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
    if not all(topic.topic in there for topic in topics):
        raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))


def _open_admin(options: KafkaOptions) -> AdminClient:
    return AdminClient({**options, "log_level": _ONLY_CRITICAL_LOGS})


@contextmanager
def _member_of_nothing(options: KafkaOptions, group: str) -> Iterator[Consumer]:
    """A consumer that can read and set a group's offsets without joining it."""
    consumer = Consumer(
        {**options, "group.id": group, "enable.auto.commit": False, "log_level": _ONLY_CRITICAL_LOGS}
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _memory_of(group: str) -> str:
    return f"{group}.first-offsets"


def _partition_counts(admin: AdminClient, declared: Iterable[Topic]) -> dict[str, int]:
    """Of the declared topics that exist."""
    found = admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
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
        resource.name: {name: entry.value for name, entry in described.result(_TIMEOUT_SECONDS).items()}
        for resource, described in admin.describe_configs(resources).items()
    }
    places = [
        KafkaTopicPartition(name, partition)
        for name, count in partition_counts.items()
        for partition in range(count)
    ]
    offsets = _offsets(admin, places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
    return {
        name: FoundTopic(
            settings[name], tuple(offsets[TopicPartition(name, partition)] for partition in range(count))
        )
        for name, count in partition_counts.items()
    }


def _offsets(
    admin: AdminClient, places: list[KafkaTopicPartition], which: OffsetSpec
) -> dict[TopicPartition, int]:
    if not places:
        return {}

    def ask() -> dict[TopicPartition, int]:
        found = admin.list_offsets(dict.fromkeys(places, which))
        return {
            TopicPartition(place.topic, place.partition): answer.result(_TIMEOUT_SECONDS).offset
            for place, answer in found.items()
        }

    return _once_settled(ask)


def _commit(options: KafkaOptions, group: str, places: list[KafkaTopicPartition]) -> None:
    try:
        with _member_of_nothing(options, group) as consumer:
            _once_settled(lambda: _raise_errors(consumer.commit(offsets=places, asynchronous=False)))
    except KafkaException as error:
        raise TopicAdminError(
            f"could not give group {group} its first offsets: {_reason(error)}. "
            "Stop its services and try again."
        ) from error


def _raise_errors(places: list[KafkaTopicPartition]) -> list[KafkaTopicPartition]:
    for place in places:
        if place.error:
            raise KafkaException(place.error)
    return places


def _once_settled(ask: Callable[[], T]) -> T:
    """The answer, asked for again while leaders and coordinators are still being found."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _SETTLING or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def _offsets_retention_minutes(admin: AdminClient) -> int:
    brokers = admin.list_topics(timeout=_TIMEOUT_SECONDS).brokers
    resource = ConfigResource(ResourceType.BROKER, str(min(brokers)))
    settings = admin.describe_configs([resource])[resource].result(_TIMEOUT_SECONDS)
    return int(settings["offsets.retention.minutes"].value)


def _reason(error: KafkaException) -> str:
    return str(error.args[0].str())
