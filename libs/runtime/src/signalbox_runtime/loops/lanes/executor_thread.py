"""The thread on which the executor's event loop runs, and how the Kafka thread speaks to it."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Protocol, TypeVar

import uvloop

from signalbox_runtime.clock import Clock
from signalbox_runtime.loops.lanes.executor import TICK_SECONDS, Executor
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits
from signalbox_runtime.loops.lanes.handover import ExecutorEnded, Handover
from signalbox_runtime.loops.lanes.progress import Delivery
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import TopicPartition

Content = TypeVar("Content")


class ExecutorPort(Protocol):
    """What the Kafka thread asks of the executor. Nothing here waits; answers come as `Handover`s."""

    def assigned(self, starts: Mapping[TopicPartition, int], epochs: dict[TopicPartition, int]) -> None: ...

    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...

    def revoke(self, request: int, names: frozenset[TopicPartition]) -> None: ...

    def settle(self, calls: int) -> None: ...


class ExecutorThread(Generic[Content]):
    """Fulfils ExecutorPort from the moment `wait_until_open` returned True."""

    def __init__(
        self,
        open_handler: Callable[[], AbstractAsyncContextManager[LaneHandler[Content]]],
        limits: LaneLimits,
        clock: Clock,
        to_kafka: deque[Handover],
        heart: Heart,
    ) -> None:
        self._open_handler = open_handler
        self._limits = limits
        self._clock = clock
        self._to_kafka = to_kafka
        self._heart = heart
        self._opened = threading.Event()
        self._executor: Executor[Content] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        """The thread's target: opens the handler and serves until `end`. Raises what the handler raises."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        finally:
            self._heart.stop()
            self._to_kafka.append(ExecutorEnded())
            self._opened.set()

    def wait_until_open(self) -> bool:
        """Waits for the handler. False: it could not be opened; `run` raised why."""
        self._opened.wait()
        return self._executor is not None

    def end(self) -> None:
        """Cancels what still runs and closes the handler."""
        if self._executor is not None:
            self._call(self._executor.end)

    def assigned(self, starts: Mapping[TopicPartition, int], epochs: dict[TopicPartition, int]) -> None:
        assert self._executor is not None
        self._call(self._executor.assigned, starts, epochs)

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        assert self._executor is not None
        self._call(self._executor.deliver, deliveries)

    def revoke(self, request: int, names: frozenset[TopicPartition]) -> None:
        assert self._executor is not None
        self._call(self._executor.revoke, request, names)

    def settle(self, calls: int) -> None:
        assert self._executor is not None
        self._call(self._executor.settle, calls)

    def _call(self, method: Callable[..., None], *arguments: Any) -> None:
        assert self._executor is not None
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._executor.run, method, *arguments)
        except RuntimeError:
            # Its loop is closed: ExecutorEnded is on its way.
            return

    async def _serve(self) -> None:
        async with self._open_handler() as handler:
            self._loop = asyncio.get_running_loop()
            executor = Executor(handler, self._limits, self._clock, self._to_kafka)
            self._executor = executor
            self._opened.set()
            ticking = asyncio.create_task(self._tick(executor))
            try:
                await executor.ended
            finally:
                ticking.cancel()

    async def _tick(self, executor: Executor[Content]) -> None:
        while True:
            self._heart.beat()
            executor.run(executor.tick)
            await asyncio.sleep(TICK_SECONDS)
