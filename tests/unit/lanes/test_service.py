"""The whole loop, both threads, on a Kafka in memory."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from threading import Event, Thread
from typing import Any

import pytest

from signalbox_runtime.clock import SystemClock
from signalbox_runtime.errors import UndecodableInternalMessage
from signalbox_runtime.loops.lanes.handler import LaneHandler, Work
from signalbox_runtime.loops.lanes.service import run_lanes
from signalbox_runtime.process.settings import ServiceSettings, SharedSettings
from signalbox_runtime.process.shell import Service
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition
from signalbox_runtime.testing.fake_broker import FakeBroker
from signalbox_runtime.testing.fake_kafka import FakeKafka
from signalbox_runtime.testing.waiting import eventually

TOPIC, OUTPUT, GROUP = "actions.webhook", "runs.journal", "runner"


class Echo:
    """Answers with the value; `poison` can't be read."""

    def assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        return None

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        return None

    def skipped(self, inbound: Inbound) -> None:
        return None

    def tenant_of(self, inbound: Inbound) -> str | None:
        return "acme"

    def accept(self, inbound: Inbound) -> Work[None]:
        if inbound.value == b"poison":
            raise UndecodableInternalMessage(f"{inbound.place} can't be read")
        return Work(inbound, "acme", "d", None)

    def execute(self, work: Work[None]) -> Outbox | Coroutine[Any, Any, Outbox]:
        return self._call(work)

    def overflow(self, work: Work[None], wait_ms: int) -> Outbox:
        return Outbox()

    async def _call(self, work: Work[None]) -> Outbox:
        return Outbox((Outbound(OUTPUT, work.inbound.key or b"", work.inbound.value),))


class Running:
    """A service in threads of this process."""

    def __init__(self, broker: FakeBroker) -> None:
        self.broker = broker
        self.service = Service(GROUP, ServiceSettings(), SharedSettings(), SystemClock())
        self.service.__dict__["kafka"] = FakeKafka(broker)
        self.closed = Event()
        self._thread = Thread(target=self._main)

    def start(self, open_handler: Callable[[], AbstractAsyncContextManager[LaneHandler[None]]]) -> None:
        self._open_handler = open_handler
        self._thread.start()

    def _main(self) -> None:
        run_lanes(self.service, topics=[TOPIC], open_handler=self._open_handler)

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.service.join_threads()

    @asynccontextmanager
    async def echo(self) -> AsyncIterator[LaneHandler[None]]:
        try:
            yield Echo()
        finally:
            self.closed.set()


@pytest.fixture
def running() -> Running:
    broker = FakeBroker()
    broker.create_topic(TOPIC, 2)
    broker.create_topic(OUTPUT, 1)
    broker.commit_offsets(GROUP, dict.fromkeys(broker.places(TOPIC), 0))
    return Running(broker)


def test_records_go_through_both_threads_and_a_stop_is_clean(running: Running) -> None:
    for number in range(20):
        running.broker.append(TOPIC, b"k%d" % (number % 5), b"%d" % number)
    running.start(running.echo)
    eventually(lambda: len(running.broker.records(OUTPUT)) == 20, "every record has an answer")
    running.service.stop("the test is over")
    running.join()
    assert running.closed.is_set()
    assert running.service.failures == []
    assert {at.metadata for at in running.broker.committed(GROUP).values()} == {""}


def test_poison_stops_the_service_and_its_offset_is_kept(running: Running) -> None:
    running.broker.append(TOPIC, b"k", b"good", partition=0)
    running.start(running.echo)
    eventually(lambda: len(running.broker.records(OUTPUT)) == 1, "the good one has an answer")
    running.broker.append(TOPIC, b"k", b"poison", partition=0)
    running.join()
    assert [str(failure) for failure in running.service.failures] == ["actions.webhook-0@1 can't be read"]
    assert running.service.stopping.is_set()
    assert running.closed.is_set()
    assert running.broker.committed(GROUP)[TopicPartition(TOPIC, 0)].offset == 1


def test_a_handler_that_cannot_be_opened_stops_the_service(running: Running) -> None:
    @asynccontextmanager
    async def open_handler() -> AsyncIterator[LaneHandler[None]]:
        yield without_a_pool()

    def without_a_pool() -> Echo:
        raise ConnectionError("no pool")

    running.start(open_handler)
    running.join()
    assert [str(failure) for failure in running.service.failures] == ["no pool"]
