"""A run as people read it: the shapes of api.md, and of the lists of the console."""

from datetime import UTC, datetime

import msgspec


class ErrorView(msgspec.Struct, frozen=True):
    """Why an attempt or an action failed."""

    type: str
    detail: str | None


class RunErrorView(msgspec.Struct, frozen=True):
    """Why a run failed; `action` is null where no action did."""

    action: str | None
    type: str
    detail: str | None


class AttemptView(msgspec.Struct, frozen=True):
    """One try. `outcome` is null while it is being made."""

    number: int
    started_at: str | None
    finished_at: str | None
    outcome: str | None
    error: ErrorView | None
    receipt: msgspec.Raw
    retry_at: str | None = None
    deadline: str | None = None
    effect_key: str | None = None
    warnings: msgspec.Raw = msgspec.Raw(b"[]")


class ActionView(msgspec.Struct, frozen=True, omit_defaults=True):
    """One action. `error` is there when it failed; `receipt` and `kept` when an earlier run did it."""

    id: str
    type: str
    status: str
    attempts: list[AttemptView]
    error: ErrorView | msgspec.UnsetType = msgspec.UNSET
    receipt: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    kept: bool | msgspec.UnsetType = msgspec.UNSET


class RunFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a run shows in a list and by itself."""

    id: str
    status: str
    reason: str | None
    waiting_for: str | None
    deadline: str | None
    workflow_id: str
    workflow_name: str
    version: int
    module: str
    event: str
    record_id: str
    event_id: str
    started_at: str
    finished_at: str | None
    duration_ms: int | None
    error: RunErrorView | None
    retry_of: str | None
    retried_by: str | None
    detail: str | None = None
    record_title: str | None = None


class ActionsDone(msgspec.Struct, frozen=True):
    """How many of a run's actions succeeded, now or in the run it repeats."""

    done: int
    total: int


class CurrentAction(msgspec.Struct, frozen=True):
    """The action that a run in flight is at."""

    action_id: str
    type: str | None
    attempt: int | None


class RunSummary(RunFields, frozen=True, kw_only=True):
    """A run in a list. `sentence` is the verdict of a skipped one."""

    actions: ActionsDone | None = None
    current: CurrentAction | None = None
    sentence: str | None = None


class LateView(msgspec.Struct, frozen=True):
    """An answer of the CRM that moved nothing."""

    at: str
    action: str
    command_id: str
    outcome: str
    reason: str | None
    why: str


class CausedRun(msgspec.Struct, frozen=True):
    """A run that this run's changes in the CRM led to."""

    id: str
    workflow_id: str
    workflow_name: str
    status: str


class RunView(RunFields, frozen=True, kw_only=True):
    """A run by itself."""

    verdict: msgspec.Raw
    actions: list[ActionView]
    chain: list[str]
    caused: list[CausedRun]
    record: msgspec.Raw
    previous: msgspec.Raw
    late_results: list[LateView]
    dead_letter: str | None
    canceled_by: str | None
    redacted: bool


def rfc3339(time_ms: int | None) -> str | None:
    """A time as HTTP gives it: RFC 3339, UTC, to the millisecond."""
    if time_ms is None:
        return None
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
