"""Time comes in as a value: services take a Clock, tests pass one they can turn."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time and a monotonic time for durations."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_seconds(self) -> float:
        """Seconds that never go back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_seconds(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock for tests: it moves only when told to."""

    def __init__(self, now_ms: int = 1_795_428_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_seconds(self) -> float:
        return self._now_ms / 1000

    def advance(self, milliseconds: int) -> None:
        """Moves both times forward."""
        self._now_ms += milliseconds
