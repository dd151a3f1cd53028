"""Small transforms that the behaviour suites run."""

import threading
from collections.abc import Collection, Mapping

from signalbox_contracts.errors import UndecodableMessage
from signalbox_runtime.clock import Clock
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.loops.holds import Hold
from signalbox_runtime.loops.memory_of_ids import IdMemory
from signalbox_runtime.loops.refill import refill
from signalbox_runtime.loops.transform import Transform
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition

UNDECODABLE = b"undecodable"


class Copy(Transform):
    """Copies each record to `target`, and remembers what it was told."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.begins: dict[TopicPartition, int] = {}
        self.gone: list[TopicPartition] = []
        self.handled: list[Inbound] = []

    def assigned(self, begins: Mapping[TopicPartition, int]) -> None:
        self.begins.update(begins)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        self.gone += partitions

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        self.handled.append(inbound)
        if inbound.value == UNDECODABLE:
            raise UndecodableMessage("It begins with 00.")
        return Outbox([Outbound(self.target, inbound.key, inbound.value)])


class BlockingCopy(Copy):
    """Stands still with an open transaction when it meets `blocking`, until `go_on` is set."""

    def __init__(self, target: str, blocking: bytes) -> None:
        super().__init__(target)
        self.blocking = blocking
        self.is_blocked = threading.Event()
        self.go_on = threading.Event()

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        outcome = super().handle(inbound)
        if inbound.value == self.blocking and not self.go_on.is_set():
            self.is_blocked.set()
            self.go_on.wait(60)
        return outcome


class HoldingCopy(Copy):
    """Holds records whose value is `held` for `hold_ms` after their timestamp, like the delay-relay."""

    def __init__(self, target: str, clock: Clock, held: bytes, hold_ms: int) -> None:
        super().__init__(target)
        self._clock = clock
        self._held = held
        self._hold_ms = hold_ms
        self.hold_count = 0
        self.lateness_ms: list[int] = []

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        if inbound.value == self._held:
            due_ms = inbound.timestamp_ms + self._hold_ms
            now_ms = self._clock.now_ms()
            if now_ms < due_ms:
                self.hold_count += 1
                return Hold(due_ms)
            self.lateness_ms.append(now_ms - due_ms)
        return super().handle(inbound)


class FirstOnly(Copy):
    """Copies the first record of each id (its value), as the router does with events."""

    def __init__(self, target: str, kafka: Kafka, events_max: int) -> None:
        super().__init__(target)
        self._kafka = kafka
        self.memory = IdMemory(events_max, rewind_events_max=0)
        self.refilled = 0

    def assigned(self, begins: Mapping[TopicPartition, int]) -> None:
        super().assigned(begins)
        self.refilled += refill(self._kafka, self.memory, begins, lambda inbound: inbound.value)

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        super().revoked(partitions)
        for partition in partitions:
            self.memory.forget(partition)

    def handle(self, inbound: Inbound) -> Outbox | Hold:
        outcome = super().handle(inbound)
        place = TopicPartition(inbound.topic, inbound.partition)
        assert inbound.value is not None
        repeat = self.memory.seen_before(place, inbound.value, inbound.offset)
        return Outbox() if repeat else outcome
