"""Ends a process that stands still: a supervisor can restart a dead one, not a stuck one."""

import faulthandler
import os
import sys
import threading
from collections.abc import Callable

from signalbox_runtime.clock import Clock

EXIT_STALLED = 70
STALL_LIMIT_SECONDS = 60.0
"""Longer than any call with a timeout in this library, by a wide margin."""
_TICK_SECONDS = 1.0
_OWN_DELAY_SECONDS = 5.0
"""The watchdog itself being this late means that the whole process was stopped (SIGSTOP, a sleeping
machine): nobody is to blame, everybody gets a new limit."""


class Heart:
    """What a loop beats to show that it goes round."""

    def __init__(self, name: str, limit_seconds: float, clock: Clock) -> None:
        self.name = name
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._last_beat: float | None = clock.monotonic_seconds()

    def beat(self) -> None:
        """Shows life."""
        self._last_beat = self._clock.monotonic_seconds()

    def stop(self) -> None:
        """The loop ended: expect no more beats."""
        self._last_beat = None

    def is_stalled(self) -> bool:
        """Whether the last beat is longer ago than the limit."""
        last_beat = self._last_beat
        return last_beat is not None and self._clock.monotonic_seconds() - last_beat > self._limit_seconds

    def forgive(self) -> None:
        """Starts the limit anew unless the loop ended."""
        if self._last_beat is not None:
            self.beat()


def end_process(stalled: Heart) -> None:
    """Says which loop stands still and where, then ends the process without any clean-up."""
    sys.stderr.write(f"The loop {stalled.name!r} stands still; the process ends. Its threads are at:\n")
    faulthandler.dump_traceback()
    sys.stderr.flush()
    os._exit(EXIT_STALLED)


class Watchdog:
    """Looks after hearts once a second, on a thread of its own once started."""

    def __init__(self, clock: Clock, on_stall: Callable[[Heart], None] = end_process) -> None:
        self._clock = clock
        self._on_stall = on_stall
        self._hearts: list[Heart] = []
        self._stopping = threading.Event()
        self._last_look = clock.monotonic_seconds()

    def heart(self, name: str, limit_seconds: float = STALL_LIMIT_SECONDS) -> Heart:
        """A heart to be looked after from now on."""
        heart = Heart(name, limit_seconds, self._clock)
        self._hearts.append(heart)
        return heart

    def look(self) -> None:
        """One look at every heart."""
        now = self._clock.monotonic_seconds()
        late = now - self._last_look - _TICK_SECONDS
        self._last_look = now
        for heart in tuple(self._hearts):
            if late > _OWN_DELAY_SECONDS:
                heart.forgive()
            elif heart.is_stalled():
                self._on_stall(heart)

    def start(self) -> None:
        """Begins to look."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Looks no more."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            self.look()
