"""Why a run has not moved on by the time it should have: a cause that somebody can do something about."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from signalbox_contracts.wait_reasons import destination_of

Cause: TypeAlias = Literal["crm-answer-missing", "breaker-open", "service-behind", "token-missing"]
CAUSES: tuple[Cause, ...] = ("crm-answer-missing", "breaker-open", "service-behind", "token-missing")

RETRY_GRACE_MS = 60_000
"""A delay topic's head and the runner's queue may make a retry this late without anything being wrong."""
SILENCE_MS = 600_000
"""Longer than an attempt may take: a run that is running and says nothing for this long is looked at."""


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
        case "retry" if destination := destination_of(overdue.reason):
            return Stuck("breaker-open", destination)
        case "retry":
            candidates: tuple[str, ...] = ("delay-relay", "action-runner")
        case _:
            candidates = ("condition-evaluator", "action-runner", "delay-relay")
    slowest = max(candidates, key=lambda group: behind.get(group, 0))
    if behind.get(slowest, 0) > 0:
        return Stuck("service-behind", slowest)
    return Stuck("token-missing", overdue.action_type or candidates[0])
