"""A transform loop on a thread of its own, as tests of two members need."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from signalbox_runtime.clock import Clock, SystemClock
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.loops.transform import LoopNames, Transform, TransformLoop
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.process.watchdog import Watchdog
from signalbox_runtime.testing.stage import new_name
from signalbox_runtime.testing.waiting import eventually

_STOP_SECONDS = 60.0


class RunningLoop:
    """Runs between `with` and its end, which raises what the loop raised unless `failure` was read."""

    def __init__(
        self,
        kafka: Kafka,
        group: str,
        topics: Sequence[str],
        transform: Transform,
        clock: Clock | None = None,
        transactional_id: str | None = None,
        instance_id: str | None = None,
        batch_max_records: int = 100,
    ) -> None:
        self._clock = clock if clock is not None else SystemClock()
        self.readiness = Readiness()
        self.stopping = threading.Event()
        self._failure: BaseException | None = None
        self._was_read = False
        self.loop = TransformLoop(
            kafka,
            LoopNames(group, transactional_id or new_name("slot"), instance_id),
            topics,
            transform,
            self._clock,
            self.readiness,
            Watchdog(self._clock).heart("loop"),
            self.stopping,
            batch_max_records,
            poll_timeout_seconds=0.05,
        )
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if kind is None and self._failure is not None and not self._was_read:
            raise self._failure

    def stop(self) -> None:
        """Asks the loop to end and waits for it."""
        self.stopping.set()
        self._thread.join(_STOP_SECONDS)
        assert not self._thread.is_alive(), "the loop did not end"

    def failure(self) -> BaseException:
        """What the loop ended with; waits for it to end by itself."""
        eventually(lambda: not self._thread.is_alive(), "the loop's end by itself")
        self._was_read = True
        assert self._failure is not None, "the loop ended without a failure"
        return self._failure

    def wait_ready(self) -> None:
        """Waits until the loop has joined its group."""
        eventually(lambda: self.readiness.is_ready or not self._thread.is_alive(), "the loop's readiness")

    def _run(self) -> None:
        try:
            self.loop.run()
        except BaseException as error:  # noqa: BLE001, raised again where the test can see it
            self._failure = error
