"""Consumers by librdkafka: a member of a group, and a reader of given partitions."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition

from signalbox_runtime.errors import (
    ClientFailed,
    KafkaFailure,
    KafkaUnavailable,
    OffsetMissing,
)
from signalbox_runtime.kafka.broker import Begins, CommittedOffset, GroupMetadata, RebalanceListener
from signalbox_runtime.kafka.errors import error_of, plain
from signalbox_runtime.kafka.options import Options
from signalbox_runtime.records import Headers, Inbound, TopicPartition

COMMITTED_TIMEOUT_SECONDS = 5.0
COMMITTED_WAIT_SECONDS = 40.0
"""A predecessor's open transaction keeps its offsets unstable for its timeout and a second at most."""
_RETRY_PAUSE_SECONDS = 0.1
_SEEK_TRIES = 50
logger = logging.getLogger("librdkafka")


class ConfluentGroupConsumer:
    """Fulfils broker.GroupConsumer."""

    def __init__(self, options: Options) -> None:
        self._group = str(options["group.id"])
        self._fatal: KafkaError | None = None
        self._consumer = Consumer({**options, "error_cb": self._error, "logger": logger})
        self._listener: RebalanceListener | None = None
        self._begins: Begins = self._committed_when_stable
        self._epochs: dict[TopicPartition, int] = {}
        self._epoch = 0
        self._failure: Exception | None = None

    def subscribe(
        self, topics: Sequence[str], listener: RebalanceListener, begins: Begins | None = None
    ) -> None:
        self._listener = listener
        self._begins = begins or self._committed_when_stable
        self._consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def poll(self, timeout_seconds: float, max_records: int) -> list[Inbound]:
        self._raise_failure()
        first = self._consumer.poll(timeout_seconds)
        records: list[Inbound] = []
        if first is not None:
            epoch = self._epochs.get(_place(first))
            rest = self._consumer.consume(max_records - 1, 0) if max_records > 1 else []
            # A rebalance inside consume() begins a partition anew; only `first` could be from before it.
            messages = [first, *rest] if self._epochs.get(_place(first)) == epoch else rest
            records = [inbound for message in messages if (inbound := self._read(message)) is not None]
        if not records:
            self._raise_failure()
        return records

    def group_metadata(self) -> GroupMetadata:
        return GroupMetadata(self._consumer.consumer_group_metadata())

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._epochs)

    def committed(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, CommittedOffset]:
        asked = [KafkaPartition(topic, number) for topic, number in partitions]
        try:
            answers = self._consumer.committed(asked, timeout=COMMITTED_TIMEOUT_SECONDS)
        except KafkaException as exception:
            raise plain(f"asking for the offsets of {self._group}", error_of(exception)) from exception
        committed: dict[TopicPartition, CommittedOffset] = {}
        for answer in answers:
            if answer.error is not None:
                raise plain(f"asking for the offsets of {self._group}", answer.error)
            if answer.offset < 0:
                raise OffsetMissing(
                    f"Group {self._group} has no offset for {answer.topic}-{answer.partition}, so it is "
                    "unknown what was done already. Run `signalbox topics apply` for a new group; else "
                    "restore the offset."
                )
            place = TopicPartition(answer.topic, answer.partition)
            committed[place] = CommittedOffset(answer.offset, answer.metadata or "")
        return committed

    def seek(self, partition: TopicPartition, offset: int) -> None:
        target = KafkaPartition(partition.topic, partition.partition, offset)
        for _ in range(_SEEK_TRIES):
            try:
                self._consumer.seek(target)
            except KafkaException as exception:
                failure = exception
            else:
                return
            time.sleep(_RETRY_PAUSE_SECONDS)
        raise ClientFailed(
            f"{partition} can't be rewound to {offset}: {error_of(failure).str()}"
        ) from failure

    def pause(self, partitions: Collection[TopicPartition]) -> None:
        self._consumer.pause([KafkaPartition(topic, number) for topic, number in partitions])

    def resume(self, partition: TopicPartition, offset: int) -> None:
        self._consumer.resume([KafkaPartition(partition.topic, partition.partition)])
        self.seek(partition, offset)

    def close(self) -> None:
        self._failure = None
        self._consumer.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure  # of the listener: what it had to commit before the partitions went is not

    # --- inside poll() and close() -----------------------------------------------------------------

    def _on_assign(self, _consumer: Consumer, partitions: list[KafkaPartition]) -> None:
        assert self._listener is not None
        places = [TopicPartition(partition.topic, partition.partition) for partition in partitions]
        try:
            begins = self._begins(places)
            self._listener.assigned(begins)
        except Exception as error:  # noqa: BLE001, raised by the poll that called this
            # Without this assignment the member would sit idle on its partitions, so it has to go.
            self._failure = (
                ClientFailed(f"New partitions can't be taken over: {error}")
                if isinstance(error, KafkaUnavailable)
                else error
            )
            self._consumer.incremental_assign([])
            return
        self._epoch += 1
        self._epochs.update(dict.fromkeys(places, self._epoch))
        self._consumer.incremental_assign(
            [KafkaPartition(*place, begin.offset) for place, begin in begins.items()]
        )
        # librdkafka remembers a pause over a revocation.
        self._consumer.resume(partitions)

    def _on_revoke(self, _consumer: Consumer, partitions: list[KafkaPartition]) -> None:
        assert self._listener is not None
        self._give_up(partitions, self._listener.revoked)

    def _on_lost(self, _consumer: Consumer, partitions: list[KafkaPartition]) -> None:
        assert self._listener is not None
        self._give_up(partitions, self._listener.lost)

    def _give_up(
        self, partitions: list[KafkaPartition], tell: Callable[[Collection[TopicPartition]], None]
    ) -> None:
        places = [TopicPartition(partition.topic, partition.partition) for partition in partitions]
        owned = [place for place in places if place in self._epochs]
        try:
            tell(owned)
        except Exception as error:  # noqa: BLE001, raised by the poll that called this
            self._failure = error
        for place in owned:
            del self._epochs[place]
        self._consumer.incremental_unassign(partitions)

    def _committed_when_stable(
        self, places: Collection[TopicPartition]
    ) -> dict[TopicPartition, CommittedOffset]:
        if not places:
            return {}
        give_up_at = time.monotonic() + COMMITTED_WAIT_SECONDS
        while True:
            try:
                return self.committed(places)
            except KafkaUnavailable as unavailable:
                if time.monotonic() > give_up_at:
                    raise ClientFailed(
                        f"The offsets of new partitions stayed unknown for {COMMITTED_WAIT_SECONDS:.0f} s: "
                        f"{unavailable}"
                    ) from unavailable
            time.sleep(_RETRY_PAUSE_SECONDS)

    def _read(self, message: Message) -> Inbound | None:
        error = message.error()
        if error is None:
            inbound = _inbound(message)
            return inbound if (inbound.topic, inbound.partition) in self._epochs else None
        self._failure = self._failure or self._failure_of(message, error)
        return None

    def _failure_of(self, message: Message, error: KafkaError) -> KafkaFailure | OffsetMissing:
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            return OffsetMissing(
                f"{message.topic()}-{message.partition()} does not hold the offset that group {self._group} "
                f"committed ({error.str()}): records were lost or the topic was made anew. Decide from where "
                "to go on and set the group's offset."
            )
        return plain(f"consuming {message.topic() or ''}", error)

    def _raise_failure(self) -> None:
        if self._fatal is not None:
            raise ClientFailed(f"The consumer of {self._group} failed for good: {self._fatal.str()}")
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = error
        else:
            logger.warning("consumer of %s: %s", self._group, error.str())


class ConfluentReader:
    """Fulfils broker.PartitionReader."""

    def __init__(self, options: Options, begin: Mapping[TopicPartition, int]) -> None:
        self._consumer = Consumer({**options, "error_cb": _log_error, "logger": logger})
        self._positions = dict(begin)
        # Offset 0 rather than "beginning": asking where that is takes 500 ms (its first try finds no leader);
        # one that is no longer kept is reset to the earliest.
        self._consumer.assign([KafkaPartition(*place, offset) for place, offset in begin.items()])

    def read(self, max_records: int, timeout_seconds: float) -> list[Inbound]:
        first = self._consumer.poll(timeout_seconds)
        if first is None:
            return []
        records: list[Inbound] = []
        for message in (first, *self._consumer.consume(max_records, 0)):
            error = message.error()
            if error is None:
                inbound = _inbound(message)
                self._positions[TopicPartition(inbound.topic, inbound.partition)] = inbound.offset + 1
                records.append(inbound)
            elif error.code() == KafkaError._PARTITION_EOF:
                # The end as the fetcher sees it: transaction markers are behind it, `message` is none.
                place = _place(message)
                self._positions[place] = max(self._positions[place], message.offset() or 0)
            elif error.fatal():
                raise plain("reading", error)
            else:
                logger.warning("reader: %s", error.str())
        return records

    def position(self, partition: TopicPartition) -> int:
        return self._positions[partition]

    def close(self) -> None:
        self._consumer.close()


def _place(message: Message) -> TopicPartition:
    topic, partition = message.topic(), message.partition()
    return TopicPartition(topic or "", -1 if partition is None else partition)


def _inbound(message: Message) -> Inbound:
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Inbound(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp_ms=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=_headers(message),
    )


def _headers(message: Message) -> Headers:
    try:
        headers: Any = message.headers()
    except SystemError:
        # The client's word for a name that is not UTF-8. Such a record must not stop all that follow it.
        logger.warning("the headers of %s@%s can't be read: left out", _place(message), message.offset())
        return ()
    if not headers:
        return ()
    return tuple((name, value if value is not None else b"") for name, value in headers)


def _log_error(error: KafkaError) -> None:
    logger.warning("reader: %s", error.str())
