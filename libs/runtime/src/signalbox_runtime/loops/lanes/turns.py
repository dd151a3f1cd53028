"""When what overflowed comes back: one by one, at the rate at which its destination answers. Pure."""

WAIT_MIN_MS = 10_000
"""What leaves its lane is no sooner back than this."""
WAIT_MAX_MS = 600_000
"""A destination that answers again is given the rest after at most so long."""
DESTINATIONS_MAX = 1_000
"""Hosts come from templates, so there may be any number; then those whose turns are over are forgotten."""


class Turns:
    """The last turn given for each destination."""

    def __init__(self) -> None:
        self._last_ms: dict[str, float] = {}

    def next(self, destination: str, ms_per_answer: float, now_ms: int) -> int:
        """How long the next one has to wait, in ms: in the order in which they are asked for."""
        last_ms = max(self._last_ms.get(destination, 0.0), float(now_ms + WAIT_MIN_MS))
        turn_ms = min(last_ms + ms_per_answer, float(now_ms + WAIT_MAX_MS))
        if destination not in self._last_ms and len(self._last_ms) >= DESTINATIONS_MAX:
            self._last_ms = {name: at_ms for name, at_ms in self._last_ms.items() if at_ms > now_ms}
        self._last_ms[destination] = turn_ms
        return int(turn_ms) - now_ms
