"""Runs the lanes loop as the `main` of a service."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from signalbox_runtime.loops.lanes.executor_thread import ExecutorThread
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits
from signalbox_runtime.loops.lanes.handover import Handover
from signalbox_runtime.loops.lanes.loop import LaneLoop, Member
from signalbox_runtime.process.shell import Service

Content = TypeVar("Content")


def run_lanes(
    service: Service[Any],
    *,
    topics: Sequence[str],
    open_handler: Callable[[], AbstractAsyncContextManager[LaneHandler[Content]]],
    limits: LaneLimits | None = None,
) -> None:
    """Consumes `topics` as group `service.name` until `service.stopping` is set.

    The handler is opened, used and closed on the asyncio thread; Kafka stays on the calling thread.
    """
    limits = limits or LaneLimits()
    handovers: deque[Handover] = deque()
    executor = ExecutorThread(
        open_handler, limits, service.clock, handovers, service.watchdog.heart("lanes executor")
    )
    service.start_thread("lanes executor", executor.run)
    heart = service.watchdog.heart("lanes")
    try:
        if executor.wait_until_open():
            loop = LaneLoop(
                kafka=service.kafka,
                member=Member(
                    group=service.name,
                    transactional_id=service.slot_id,
                    instance_id=service.instance_id,
                ),
                limits=limits,
                clock=service.clock,
                executor=executor,
                from_executor=handovers,
                heart=heart,
                readiness=service.readiness,
                pause=time.sleep,
            )
            service.started()
            loop.run(topics, service.stopping)
    finally:
        heart.stop()
        executor.end()
