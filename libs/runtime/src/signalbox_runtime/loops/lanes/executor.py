"""The asyncio side: accepts records, starts what may start, hands results over."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Generic, TypeVar

import structlog

from signalbox_runtime.clock import Clock
from signalbox_runtime.loops.lanes import metrics
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits
from signalbox_runtime.loops.lanes.handover import Handover, Prepared, Result, StillRunning
from signalbox_runtime.loops.lanes.progress import Delivery
from signalbox_runtime.loops.lanes.schedule import Entry, Later, Overflow, Schedule, Start
from signalbox_runtime.loops.lanes.waiting_room import WaitingRoom
from signalbox_runtime.records import Outbox, TopicPartition

Content = TypeVar("Content")
TICK_SECONDS = 1.0
ADMITTED_AT_ONCE_MAX = 500
"""Records decoded in one go: the event loop stands still for them, some 100 µs each."""
log = structlog.get_logger()


class Executor(Generic[Content]):
    """Runs on one event loop; every method is called there, through `run`: an exception ends the process.

    Not before the calls that run have ended, though: what they did is handed over and committed, or the next
    start would do it again, and the one after that.
    """

    def __init__(
        self, handler: LaneHandler[Content], limits: LaneLimits, clock: Clock, to_kafka: deque[Handover]
    ) -> None:
        self._handler = handler
        self._clock = clock
        self._to_kafka = to_kafka
        self._drain_seconds = limits.drain_seconds
        self._schedule: Schedule[Content] = Schedule(limits)
        self._room = WaitingRoom()
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[asyncio.Task[Any], Entry[Content] | None] = {}
        self._pump_is_due = False
        self._alarm: asyncio.TimerHandle | None = None
        self._failure: Exception | None = None
        """Once there is one, nothing new is accepted or started."""
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Done when asked to end; the first exception of the handler otherwise."""

    def run(self, method: Callable[..., None], *arguments: Any) -> None:
        """Calls one of the methods below, unless all is over."""
        if self.ended.done():
            return
        try:
            method(*arguments)
        except Exception as error:  # noqa: BLE001, raised by whoever awaits `ended`
            self._fail(error)
        if self._failure is not None and not any(self._tasks.values()):
            self._give_up(self._failure)

    def assigned(self, starts: Mapping[TopicPartition, int], epochs: dict[TopicPartition, int]) -> None:
        """Lets the handler get ready, then says so."""
        if self._failure is not None:
            return
        preparation = self._handler.assigned(starts)
        if preparation is None:
            self._to_kafka.append(Prepared(epochs))
        else:
            self._spawn(self._prepare(preparation, epochs), None)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Accepts records and starts what may start."""
        if self._failure is not None:
            return
        for delivery in deliveries:
            if delivery.is_finished:
                metrics.SKIPPED.inc()
                self._handler.skipped(delivery.inbound)
                continue
            tenant_id = self._handler.tenant_of(delivery.inbound)
            if tenant_id is None or (tenant_id not in self._room and self._schedule.has_room(tenant_id)):
                self._accept(delivery)
            else:
                self._room.enter(tenant_id, delivery)
        self.pump()

    def revoke(self, request: int, names: frozenset[TopicPartition]) -> None:
        """Drops what waits of these partitions, and answers with what runs."""
        self._room.drop(names)
        running = self._schedule.drop(names)
        calls = tuple((_partition(entry), entry.epoch, _offset(entry)) for entry in running)
        self._to_kafka.append(StillRunning(request, calls))
        self._handler.revoked(names)

    def settle(self, calls: int) -> None:
        """Results of so many calls were committed, or will never be."""
        self._schedule.settled(calls)
        self.pump()

    def tick(self) -> None:
        """Once a second: what waits too long is found without anything else happening."""
        metrics.IN_FLIGHT.set(self._schedule.in_flight)
        metrics.WAITING.set(self._schedule.waiting + len(self._room))
        self.pump()

    def pump(self) -> None:
        """Starts everything that may start."""
        self._pump_is_due = False
        if self._failure is not None:
            return
        now_ms = self._now_ms()
        if self._room:
            self._schedule.relieve(self._room.__contains__, now_ms)
        self._admit()
        while (decision := self._schedule.next(now_ms)) is not None:
            match decision:
                case Start(entry):
                    outcome = self._handler.execute(entry.work)
                    if isinstance(outcome, Outbox):
                        self._finish(entry, outcome, called=False)
                    else:
                        self._spawn(outcome, entry)
                case Overflow(entry, wait_ms):
                    metrics.OVERFLOWED.inc()
                    self._finish(entry, self._handler.overflow(entry.work, wait_ms), called=False)
                case Later(at_ms):
                    if self._alarm is None:
                        seconds = (at_ms - now_ms) / 1000
                        self._alarm = self._loop.call_later(seconds, self.run, self._ring)
                    return

    def end(self) -> None:
        """Cancels what still runs, because the process ends."""
        if self._failure is not None:
            self._give_up(self._failure)
        else:
            self.ended.set_result(None)
        for task in tuple(self._tasks):
            task.cancel()

    def _accept(self, delivery: Delivery) -> None:
        work = self._handler.accept(delivery.inbound)
        self._schedule.offer(Entry(work, delivery.epoch))

    def _admit(self) -> None:
        """Decodes what has room by now."""
        for _ in range(ADMITTED_AT_ONCE_MAX):
            delivery = self._room.next(self._schedule.has_room) if self._room else None
            if delivery is None:
                return
            self._accept(delivery)
        self._pump_soon()

    def _pump_soon(self) -> None:
        if not self._pump_is_due:
            self._pump_is_due = True
            self._loop.call_soon(self.run, self.pump)

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            log.error("no new work is taken on; what runs may end", failure=str(failure))
            self._failure = failure
            self._loop.call_later(self._drain_seconds, self._give_up, failure)

    def _give_up(self, failure: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(failure)

    def _ring(self) -> None:
        self._alarm = None
        self.pump()

    def _spawn(self, coroutine: Coroutine[Any, Any, Any], entry: Entry[Content] | None) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks[task] = entry
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        entry = self._tasks.pop(task)
        self.run(self._take_result, task, entry)

    def _take_result(self, task: asyncio.Task[Any], entry: Entry[Content] | None) -> None:
        try:
            outbox = task.result()
        except asyncio.CancelledError:
            raise RuntimeError("A call was cancelled by itself; it has to answer with an Outbox.") from None
        if entry is not None:
            self._finish(entry, outbox, called=True)
            self._pump_soon()

    def _finish(self, entry: Entry[Content], outbox: Outbox, *, called: bool) -> None:
        self._schedule.ended(entry, called=called)
        timestamp_ms = entry.work.inbound.timestamp_ms
        self._to_kafka.append(
            Result(_partition(entry), entry.epoch, _offset(entry), outbox, called, timestamp_ms)
        )
        if self._room:
            self._pump_soon()

    async def _prepare(self, preparation: Awaitable[None], epochs: dict[TopicPartition, int]) -> None:
        await preparation
        self._to_kafka.append(Prepared(epochs))

    def _now_ms(self) -> int:
        return int(self._clock.monotonic_seconds() * 1000)


def _partition(entry: Entry[Any]) -> TopicPartition:
    return TopicPartition(entry.work.inbound.topic, entry.work.inbound.partition)


def _offset(entry: Entry[Any]) -> int:
    return entry.work.inbound.offset
