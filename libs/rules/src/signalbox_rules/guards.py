"""What keeps workflows from running for ever: the chain and depth of an event, and how often a record was
run.

Decisions are values; time is the time of events, so a replay decides the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

DEPTH_MAX: Final = 10  # no sensible automation is longer; beyond it is a loop that renames itself
RUNS_PER_WINDOW_MAX: Final = 20
WINDOW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The run may start."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The run is recorded as skipped: `reason` and a sentence for people; `chain` is the workflows that led
    here.
    """

    reason: Literal["loop", "rate"]
    detail: str
    chain: tuple[str, ...] = ()


ALLOWED: Final = Allowed()
GuardDecision = Allowed | Refused


def guard_loop(
    workflow_id: str, reentry: Literal["avoid", "allow"], chain: Sequence[str], depth: int
) -> GuardDecision:
    """May a workflow run for an event that `chain` (workflow ids, first cause first) led to, `depth`
    changes deep?
    """
    if depth > DEPTH_MAX:
        detail = f"the event is {depth} workflow changes deep; more than {DEPTH_MAX} are always refused"
        return Refused("loop", detail, tuple(chain))
    if reentry == "avoid" and workflow_id in chain:
        return Refused(
            "loop", "this workflow took part in causing the event, and its reentry is avoid", tuple(chain)
        )
    return ALLOWED


@dataclass(frozen=True, slots=True)
class RecentRuns:
    """Times of the events that started runs of one workflow on one record, newest last; at most as many as
    count.
    """

    started: tuple[datetime, ...] = ()


def guard_rate(recent: RecentRuns, event_time: datetime) -> tuple[GuardDecision, RecentRuns]:
    """May another run start, and what to remember. Only runs that started are remembered.

    An event that comes late is judged by its own time, and makes nothing newer forgotten.
    """
    newest = max((event_time, *recent.started))
    kept = tuple(time for time in recent.started if newest - time < WINDOW)
    near = sum(abs(event_time - time) < WINDOW for time in kept)
    if near >= RUNS_PER_WINDOW_MAX:
        minutes = int(WINDOW.total_seconds() // 60)
        detail = f"more than {RUNS_PER_WINDOW_MAX} runs of this workflow on this record in {minutes} minutes"
        return Refused("rate", detail), RecentRuns(kept)
    return ALLOWED, RecentRuns((*kept, event_time) if newest - event_time < WINDOW else kept)
