"""What is known of each destination: its breaker and its pace."""

from collections.abc import Callable

import msgspec

from action_runner.domain import breaker, pace
from action_runner.domain.outcome import Outcome, Permanent, Postponed, Retryable, Succeeded, Unknown
from signalbox_contracts.wait_reasons import breaker_open

PACE_WAIT_MAX_MS = 5_000
"""A longer wait for the pace leaves the lane."""
FORGOTTEN_MS = 120_000
"""What was said of a destination this long ago says nothing any more; hosts come from templates, so there may
be any number of them."""


class Go(msgspec.Struct, frozen=True):
    """The call may be made, after `wait_ms`."""

    wait_ms: int


class Destinations:
    """Asked before a call and told after it. Belongs to one thread.

    A breaker is per tenant and destination: one tenant's broken address must not close the host for others.
    """

    def __init__(self, jitter: Callable[[], float], calls_per_second: float = 0) -> None:
        self._jitter = jitter
        self._calls_per_second = calls_per_second
        self._breakers: dict[tuple[str, str], breaker.State] = {}
        self._buckets: dict[str, pace.Bucket] = {}
        self._swept_ms = 0

    def __len__(self) -> int:
        return len(self._breakers) + len(self._buckets)

    def ask(self, tenant_id: str, destination: str, now_ms: int) -> Go | Postponed:
        """Whether a call may be made now."""
        if now_ms - self._swept_ms > FORGOTTEN_MS:
            self._sweep(now_ms)
        key = (tenant_id, destination)
        state = self._breakers.get(key)
        if state is not None:
            answer = breaker.ask(state, now_ms, self._jitter())
            if isinstance(answer, breaker.Refused):
                return Postponed(answer.wait_ms, breaker_open(destination, breaker.FAILURES_MAX))
            self._breakers[key] = answer.state
        return self._paced(destination, now_ms)

    def tell(self, tenant_id: str, destination: str, outcome: Outcome, now_ms: int) -> None:
        """How a call ended."""
        key = (tenant_id, destination)
        match outcome:
            case Succeeded() | Permanent():
                self._breakers.pop(key, None)
            case Retryable() | Unknown():
                state = self._breakers.get(key, breaker.Closed())
                self._breakers[key] = breaker.failed(state, now_ms)
            case Postponed():
                pass

    def _sweep(self, now_ms: int) -> None:
        self._swept_ms = now_ms
        oldest = now_ms - FORGOTTEN_MS
        self._buckets = {place: bucket for place, bucket in self._buckets.items() if bucket.at_ms >= oldest}
        self._breakers = {
            key: state for key, state in self._breakers.items() if breaker.is_remembered(state, oldest)
        }

    def _paced(self, destination: str, now_ms: int) -> Go | Postponed:
        rate = self._calls_per_second
        if rate <= 0:
            return _GO_NOW
        bucket = self._buckets.get(destination) or pace.full(rate, now_ms)
        taken, wait_ms = pace.take(bucket, now_ms, rate)
        if wait_ms > PACE_WAIT_MAX_MS:
            return Postponed(wait_ms, f"{destination} gets at most {rate:g} calls a second")
        self._buckets[destination] = taken
        return Go(wait_ms)


_GO_NOW = Go(0)
