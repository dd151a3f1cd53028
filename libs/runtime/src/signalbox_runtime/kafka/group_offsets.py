"""Reading and setting a group's offsets from outside the group, and waiting while a cluster settles."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from signalbox_runtime.records import TopicPartition

T = TypeVar("T")
KafkaOptions = Mapping[str, str | int | float | bool]
"""librdkafka's options by their own names; `bootstrap.servers` has to be among them."""

TIMEOUT_SECONDS = 30.0
ONLY_CRITICAL_LOGS = 2
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
        found = once_settled(lambda: _raise_errors(consumer.committed(list(places), timeout=TIMEOUT_SECONDS)))
    return {
        TopicPartition(place.topic, place.partition): place.offset for place in found if place.offset >= 0
    }


def commit_offsets(options: KafkaOptions, group: str, places: Sequence[KafkaTopicPartition]) -> None:
    """Set offsets of a group that has no members. Raises: KafkaException."""
    with _member_of_nothing(options, group) as consumer:
        once_settled(lambda: _raise_errors(consumer.commit(offsets=list(places), asynchronous=False)))


def log_offsets(
    admin: AdminClient, places: list[KafkaTopicPartition], which: OffsetSpec
) -> dict[TopicPartition, int]:
    if not places:
        return {}

    def ask() -> dict[TopicPartition, int]:
        found = admin.list_offsets(dict.fromkeys(places, which))
        return {
            TopicPartition(place.topic, place.partition): answer.result(TIMEOUT_SECONDS).offset
            for place, answer in found.items()
        }

    return once_settled(ask)


def once_settled(ask: Callable[[], T]) -> T:
    """The answer, asked for again while leaders and coordinators are still being found."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _SETTLING or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)


def reason(error: KafkaException) -> str:
    return str(error.args[0].str())


def _raise_errors(places: list[KafkaTopicPartition]) -> list[KafkaTopicPartition]:
    for place in places:
        if place.error:
            raise KafkaException(place.error)
    return places


@contextmanager
def _member_of_nothing(options: KafkaOptions, group: str) -> Iterator[Consumer]:
    """A consumer that can read and set a group's offsets without joining it."""
    consumer = Consumer(
        {**options, "group.id": group, "enable.auto.commit": False, "log_level": ONLY_CRITICAL_LOGS}
    )
    try:
        yield consumer
    finally:
        consumer.close()
