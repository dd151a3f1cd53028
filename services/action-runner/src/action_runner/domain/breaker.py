"""A circuit breaker per destination, and the pace of its calls: a decision is a value, time comes in.

```
closed ── failures in a row reach FAILURES_MAX ──► open until now + its wait
open ──── its time is over, one call asks ───────► half-open: that call goes, the others wait
half-open ─ the call succeeds ───────────────────► closed
          ─ the call fails ──────────────────────► open, twice as long up to OPEN_MAX_MS
          ─ no answer within PROBE_MAX_MS ───────► the next call goes
```
An open breaker delays calls; it doesn't burn their attempts.
"""

from typing import TypeAlias, assert_never

import msgspec

FAILURES_MAX = 20
"""More than the attempts of any one run by default: a single failing run must see its own errors."""
OPEN_FIRST_MS = 5_000
OPEN_MAX_MS = 60_000
PROBE_MAX_MS = 60_000
SPREAD = 4
"""Delayed calls come back spread over this many times the remaining wait, or they would come all at once."""


class Closed(msgspec.Struct, frozen=True):
    """Calls go. `failures` is how many failed in a row."""

    failures: int = 0


class Open(msgspec.Struct, frozen=True):
    """No call goes before `until_ms`."""

    until_ms: int
    wait_ms: int


class HalfOpen(msgspec.Struct, frozen=True):
    """One call went at `since_ms` to find out; after `wait_ms` would be the next closed time if it fails."""

    since_ms: int
    wait_ms: int


State: TypeAlias = Closed | Open | HalfOpen


class Allowed(msgspec.Struct, frozen=True):
    """The call goes, and the breaker is now in `state`."""

    state: State


class Refused(msgspec.Struct, frozen=True):
    """The call does not go; try after `wait_ms`."""

    wait_ms: int


def ask(state: State, now_ms: int, jitter: float) -> Allowed | Refused:
    """Whether a call may go now. `jitter` (0 up to 1) spreads those that may not."""
    match state:
        case Closed():
            return Allowed(state)
        case Open(until_ms, wait_ms):
            if now_ms >= until_ms:
                return Allowed(HalfOpen(now_ms, wait_ms))
            return Refused(int((until_ms - now_ms) * (1 + jitter * SPREAD)))
        case HalfOpen(since_ms, wait_ms):
            if now_ms >= since_ms + PROBE_MAX_MS:
                return Allowed(HalfOpen(now_ms, wait_ms))
            return Refused(int(wait_ms * (1 + jitter * SPREAD)))
        case _:
            assert_never(state)


def succeeded(state: State) -> State:
    """A call got an answer that shows the destination works."""
    return state if state == _CLOSED else _CLOSED


def failed(state: State, now_ms: int) -> State:
    """A call found the destination down."""
    match state:
        case Closed(failures):
            if failures + 1 >= FAILURES_MAX:
                return Open(now_ms + OPEN_FIRST_MS, OPEN_FIRST_MS)
            return Closed(failures + 1)
        case HalfOpen(_, wait_ms):
            longer = min(wait_ms * 2, OPEN_MAX_MS)
            return Open(now_ms + longer, longer)
        case Open():
            return state  # a call from before it opened; it says nothing new
        case _:
            assert_never(state)


def is_remembered(state: State, oldest_ms: int) -> bool:
    """Whether a state still says something: a few failures don't, nor does what ended before `oldest_ms`."""
    match state:
        case Closed():
            return False
        case Open(until_ms, _):
            return until_ms >= oldest_ms
        case HalfOpen(since_ms, _):
            return since_ms >= oldest_ms
        case _:
            assert_never(state)


_CLOSED = Closed()
