"""The Kafka side of the loop on a Kafka in memory, with an executor that does what the test says."""

from collections import deque
from collections.abc import Mapping, Sequence

from signalbox_runtime.clock import ManualClock
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.loops.lanes.handover import Handover, Prepared, Result, StillRunning
from signalbox_runtime.loops.lanes.loop import LaneLoop, Member
from signalbox_runtime.loops.lanes.progress import Delivery
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import Outbound, Outbox, TopicPartition
from signalbox_runtime.testing.fake_broker import FakeBroker
from signalbox_runtime.testing.fake_kafka import FakeKafka

TOPIC = "actions.webhook"
OUTPUT = "runs.journal"
GROUP = "runner"


class ByHand:
    """Fulfils ExecutorPort: calls start when they are delivered, and end when the test says so."""

    def __init__(self, to_kafka: deque[Handover]) -> None:
        self.to_kafka = to_kafka
        self.running: list[Delivery] = []
        self.skipped: list[int] = []
        self.settled = 0
        self.prepares_at_once = True
        self.epochs: dict[TopicPartition, int] = {}
        self.starts: dict[TopicPartition, int] = {}

    def assigned(self, starts: Mapping[TopicPartition, int], epochs: dict[TopicPartition, int]) -> None:
        self.starts.update(starts)
        self.epochs.update(epochs)
        if self.prepares_at_once:
            self.to_kafka.append(Prepared(epochs))

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        self.skipped += [each.inbound.offset for each in deliveries if each.is_finished]
        self.running += [each for each in deliveries if not each.is_finished]

    def revoke(self, request: int, names: frozenset[TopicPartition]) -> None:
        calls = tuple(
            (place, each.epoch, each.inbound.offset)
            for each in self.running
            if (place := place_of(each)) in names
        )
        self.to_kafka.append(StillRunning(request, calls))

    def settle(self, calls: int) -> None:
        self.settled += calls

    def end(self, *offsets: int) -> None:
        """These calls end, in this order; each writes its place."""
        for offset in offsets:
            delivery = next(each for each in self.running if each.inbound.offset == offset)
            self.running.remove(delivery)
            outbox = Outbox((Outbound(OUTPUT, b"k", delivery.inbound.place.encode()),))
            self.to_kafka.append(Result(place_of(delivery), delivery.epoch, offset, outbox, True, 0))


class Scene:
    """A broker, and one process of the group."""

    def __init__(
        self,
        broker: FakeBroker | None = None,
        *,
        slot: int = 0,
        partitions: int = 1,
        limits: LaneLimits | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.readiness = Readiness()
        if broker is None:
            broker = FakeBroker()
            broker.create_topic(TOPIC, partitions)
            broker.create_topic(OUTPUT, 1)
            broker.commit_offsets(GROUP, dict.fromkeys(broker.places(TOPIC), 0))
        self.broker = broker
        handovers: deque[Handover] = deque()
        self.executor = ByHand(handovers)
        self.kafka = FakeKafka(broker)
        self.loop = LaneLoop(
            kafka=self.kafka,
            member=Member(group=GROUP, transactional_id=f"runner-{slot}"),
            limits=limits or LaneLimits(),
            clock=self.clock,
            executor=self.executor,
            from_executor=handovers,
            heart=Heart("lanes", 60, self.clock),
            readiness=self.readiness,
            pause=self.pause,
        )
        self.during_drain: list[int] = []
        self.loop.join([TOPIC])
        self.turn(2)

    def send(self, count: int, partition: int = 0) -> None:
        for number in range(count):
            self.broker.append(TOPIC, b"key-%d" % number, b"", partition=partition)

    def second_member_joins(self) -> None:
        """It gets partition 1, once this process has given it up."""
        with self.broker.changed:
            self.broker.join(GROUP, "other", (TOPIC,))

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.loop.turn()
            self.clock.advance(25)

    def pause(self, seconds: float) -> None:
        """While the loop drains, time passes, and calls end as `during_drain` says."""
        self.clock.advance(max(1, int(seconds * 1000)))
        if self.during_drain:
            self.executor.end(self.during_drain.pop(0))

    def running(self) -> list[int]:
        return [each.inbound.offset for each in self.executor.running]

    def facts(self) -> list[str]:
        return [(record.value or b"").decode() for record in self.broker.records(OUTPUT)]

    def committed(self, partition: int = 0) -> tuple[int, bool]:
        """The offset, and whether something is listed beyond it."""
        at = self.broker.committed(GROUP)[TopicPartition(TOPIC, partition)]
        return at.offset, bool(at.metadata)


def place_of(delivery: Delivery) -> TopicPartition:
    return TopicPartition(delivery.inbound.topic, delivery.inbound.partition)


def fact(offset: int, partition: int = 0) -> str:
    return f"{TOPIC}-{partition}@{offset}"
