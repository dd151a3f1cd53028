"""A partition that leaves a process and comes back to it while a call of before is still running.

Everything happens when the test says so: calls end by hand, and one thread turns the loop and the second
member of the group. The same without the check of epochs shows what it is for.
"""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from signalbox_runtime.clock import SystemClock
from signalbox_runtime.kafka.broker import Offsets
from signalbox_runtime.loops.lanes.executor_thread import ExecutorThread
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits, Work
from signalbox_runtime.loops.lanes.handover import Handover
from signalbox_runtime.loops.lanes.loop import LaneLoop, Member
from signalbox_runtime.loops.lanes.progress import Progress
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.stage import new_name
from signalbox_runtime.testing.waiting import PATIENCE_SECONDS


class Gated:
    """Fulfils LaneHandler. Its calls run until the test ends them; each answers with the record's place."""

    def __init__(self, output: str) -> None:
        self._output = output
        self.loop = asyncio.get_running_loop()
        self.accepted: Counter[TopicPartition] = Counter()
        self.begun: Counter[TopicPartition] = Counter()
        self._gates: dict[TopicPartition, asyncio.Event] = {}

    def assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        return None

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        return None

    def skipped(self, inbound: Inbound) -> None:
        raise AssertionError("nothing was finished before")

    def tenant_of(self, inbound: Inbound) -> str | None:
        return "acme"

    def accept(self, inbound: Inbound) -> Work[None]:
        self.accepted[_place(inbound)] += 1
        return Work(inbound, "acme", "d", None)

    def execute(self, work: Work[None]) -> Outbox | Coroutine[Any, Any, Outbox]:
        return self._call(work.inbound)

    def overflow(self, work: Work[None], wait_ms: int) -> Outbox:
        raise AssertionError("nothing is slow enough here")

    async def _call(self, inbound: Inbound) -> Outbox:
        gate = self._gates[_place(inbound)] = asyncio.Event()
        self.begun[_place(inbound)] += 1
        await gate.wait()
        return Outbox((Outbound(self._output, b"k", str(_place(inbound)).encode()),))

    def end_call(self, place: TopicPartition) -> None:
        """Lets the last call that began for this partition end. To be called from the test's thread."""
        self.loop.call_soon_threadsafe(self._gates[place].set)


class Other:
    """Fulfils RebalanceListener: a second member of the group that does nothing with what it gets."""

    def assigned(self, partitions: Offsets) -> None:
        return None

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        return None

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        return None


class Process:
    """The lanes loop on real Kafka, one record on each of two partitions; partitions are given up at once."""

    def __init__(self, bootstrap: str) -> None:
        self.stage = KafkaStage(bootstrap)
        self.topic, self.output = self.stage.new_topic(2), self.stage.new_topic(1)
        self.group = self.stage.new_group([self.topic])
        self.places = [TopicPartition(self.topic, partition) for partition in range(2)]
        for place in self.places:
            self.stage.send(self.topic, place.partition, [b"lane"])
        self._handovers: deque[Handover] = deque()
        limits = LaneLimits(drain_seconds=0)
        clock = SystemClock()
        self._executor = ExecutorThread(
            self._open_handler, limits, clock, self._handovers, Heart("executor", PATIENCE_SECONDS, clock)
        )
        self._thread = threading.Thread(target=self._executor.run)
        self._thread.start()
        assert self._executor.wait_until_open()
        self._loop = LaneLoop(
            kafka=self.stage.kafka,
            member=Member(group=self.group, transactional_id=new_name("lanes")),
            limits=limits,
            clock=clock,
            executor=self._executor,
            from_executor=self._handovers,
            heart=Heart("lanes", PATIENCE_SECONDS, clock),
            readiness=Readiness(),
            pause=time.sleep,
        )
        self._loop.join([self.topic])

    @asynccontextmanager
    async def _open_handler(self) -> AsyncIterator[LaneHandler[None]]:
        self.handler = Gated(self.output)
        yield self.handler

    def turn_until(self, is_so: Callable[[], bool], what: str) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < give_up_at, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
            self._loop.turn()

    def lend_a_partition(self) -> TopicPartition:
        """Another member joins, gets one of the two, and leaves; returns which."""
        other = self.stage.kafka.group_consumer(self.group)
        other.subscribe([self.topic], Other())

        def has_one() -> bool:
            other.poll(0.02, 10)
            return bool(other.assignment())

        self.turn_until(has_one, "another member has a partition")
        (place,) = other.assignment()
        other.close()
        return place

    def facts(self) -> Counter[str]:
        return Counter((record.value or b"").decode() for record in self.stage.records(self.output))

    def end(self) -> None:
        self._loop.leave()
        self._executor.end()
        self._thread.join(PATIENCE_SECONDS)


@pytest.fixture
def process(kafka_bootstrap: str) -> Iterator[Process]:
    process = Process(kafka_bootstrap)
    yield process
    process.end()


def regain_with_a_call_running(process: Process) -> Counter[str]:
    """Ends the call of before after the partition came back, then all others. Returns the facts."""
    handler = process.handler
    process.turn_until(lambda: handler.begun.total() == 2, "both calls run")
    lent = process.lend_a_partition()
    (kept,) = set(process.places) - {lent}
    process.turn_until(lambda: handler.accepted[lent] == 2, "the lent partition's record came again")
    assert handler.begun[lent] == 1, "a lane's second call began while its first was running"

    handler.end_call(lent)
    process.turn_until(lambda: handler.begun[lent] == 2, "the call is made again")
    handler.end_call(lent)
    handler.end_call(kept)  # ends last, so with its fact all there will be are there
    process.turn_until(lambda: f"{kept}" in process.facts(), "the last fact")
    return process.facts()


def test_what_a_call_of_an_earlier_assignment_answers_is_dropped(process: Process) -> None:
    assert regain_with_a_call_running(process) == Counter(map(str, process.places))


def test_without_the_check_of_epochs_a_record_has_two_facts(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Progress.finish

    def finish_of_any_epoch(progress: Progress, name: TopicPartition, _epoch: int, offset: int) -> bool:
        return finish(progress, name, progress._partitions[name].epoch, offset)

    monkeypatch.setattr(Progress, "finish", finish_of_any_epoch)
    assert sorted(regain_with_a_call_running(process).values()) == [1, 2]


def _place(inbound: Inbound) -> TopicPartition:
    return TopicPartition(inbound.topic, inbound.partition)
