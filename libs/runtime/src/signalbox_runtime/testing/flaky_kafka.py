"""A Kafka whose transactional calls fail when a test says so, before or after they took effect.

It wraps any Kafka, so the same failures meet the fake and the real one.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from signalbox_runtime.errors import KafkaFailure
from signalbox_runtime.kafka.broker import (
    GroupConsumer,
    GroupMetadata,
    Kafka,
    OffsetQueries,
    Offsets,
    PartitionReader,
    TransactionalProducer,
)
from signalbox_runtime.records import Outbound, TopicPartition

Call = Literal["initialise", "begin", "produce", "send_offsets", "commit", "abort"]


@dataclass(frozen=True, slots=True)
class _Fault:
    failure: KafkaFailure
    after_effect: bool


class FlakyKafka:
    """Fulfils broker.Kafka by another one."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._lock = threading.Lock()
        self._faults: dict[Call, list[_Fault]] = {}
        self.failed: list[Call] = []
        """The calls that failed so far."""

    def fail_next(self, call: Call, failure: KafkaFailure, after_effect: bool = False) -> None:
        """The next such call of any producer raises `failure`, having done nothing or everything."""
        with self._lock:
            self._faults.setdefault(call, []).append(_Fault(failure, after_effect))

    def passing(self, call: Call, effect: Callable[[], None]) -> None:
        """Runs a call's effect unless a fault stops it."""
        with self._lock:
            faults = self._faults.get(call)
            fault = faults.pop(0) if faults else None
        if fault is None:
            effect()
            return
        if fault.after_effect:
            effect()
        self.failed.append(call)
        raise fault.failure

    def group_consumer(
        self, group: str, instance_id: str | None = None, *, pauses: bool = False
    ) -> GroupConsumer:
        return self._kafka.group_consumer(group, instance_id, pauses=pauses)

    def transactional_producer(self, transactional_id: str) -> TransactionalProducer:
        return _FlakyProducer(self, self._kafka.transactional_producer(transactional_id))

    def reader(self, begin: Mapping[TopicPartition, int]) -> PartitionReader:
        return self._kafka.reader(begin)

    def offsets(self) -> OffsetQueries:
        return self._kafka.offsets()


class _FlakyProducer:
    def __init__(self, kafka: FlakyKafka, producer: TransactionalProducer) -> None:
        self._kafka = kafka
        self._producer = producer

    def initialise(self) -> None:
        self._kafka.passing("initialise", self._producer.initialise)

    def begin(self) -> None:
        self._kafka.passing("begin", self._producer.begin)

    def produce(self, record: Outbound) -> None:
        self._kafka.passing("produce", lambda: self._producer.produce(record))

    def send_offsets(self, offsets: Offsets, metadata: GroupMetadata) -> None:
        self._kafka.passing("send_offsets", lambda: self._producer.send_offsets(offsets, metadata))

    def commit(self) -> None:
        self._kafka.passing("commit", self._producer.commit)

    def abort(self) -> None:
        self._kafka.passing("abort", self._producer.abort)

    def poll(self) -> None:
        self._producer.poll()

    def destroy(self) -> None:
        self._producer.destroy()
