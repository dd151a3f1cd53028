"""Why a run has not moved on by the time it should have: a cause that somebody can do something about."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

Cause: TypeAlias = Literal["crm-answer-missing", "breaker-open", "service-behind", "token-missing"]
CAUSES: tuple[Cause, ...] = ("crm-answer-missing", "breaker-open", "service-behind", "token-missing")

RETRY_GRACE_MS = 60_000
"""A delay topic's head and the runner's queue may make a retry this late without anything being wrong."""
SILENCE_MS = 600_000
"""Longer than an attempt may take: a run that is running and says nothing for this long is looked at."""
RECOVERING = " failed "
"""The runner's reason for a wait begins with the destination and this where its breaker is open."""
BREAKER_REASON = "%in a row; it is given time to recover"


class Overdue(msgspec.Struct, frozen=True):
    """A run past its time."""

    status: str
    waiting_for: str | None
    action_type: str | None
    reason: str | None


class Stuck(msgspec.Struct, frozen=True):
    """The cause, and what it is about: a service, a destination, or the CRM."""

    cause: Cause
    about: str


def why(overdue: Overdue, behind: Mapping[str, int]) -> Stuck:
    """The cause. `behind` is how many records each consumer group has not read, by group."""
    match overdue.waiting_for:
        case "crm":
            return Stuck("crm-answer-missing", overdue.action_type or "crm")
        case "retry" if overdue.reason is not None and RECOVERING in overdue.reason:
            return Stuck("breaker-open", overdue.reason.split(RECOVERING)[0])
        case "retry":
            candidates: tuple[str, ...] = ("delay-relay", "action-runner")
        case _:
            candidates = ("condition-evaluator", "action-runner", "delay-relay")
    slowest = max(candidates, key=lambda group: behind.get(group, 0))
    if behind.get(slowest, 0) > 0:
        return Stuck("service-behind", slowest)
    return Stuck("token-missing", overdue.action_type or candidates[0])
