"""The answers' shapes, as OpenAPI documents them. The answers themselves are encoded from `domain.story`.

A contract test holds real answers against these models: nothing more, nothing less.
"""

from typing import Any, Literal

import msgspec
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue


def answer(content: Any, status: int = 200) -> Response:
    """`content` as JSON; what is JSON already passes untouched."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


class Shape(BaseModel):
    """An object of exactly these fields."""

    model_config = ConfigDict(extra="forbid")


RunStatus = Literal["running", "waiting", "success", "failed", "skipped", "canceling", "canceled"]
ActionStatus = Literal[
    "pending", "running", "retrying", "unknown", "success", "failed", "not_reached", "canceled"
]


class Error(Shape):
    """Why an attempt or action failed."""

    type: str = Field(description="Stable kind, e.g. http-status")
    detail: str | None = Field(description="One sentence; null once erased")


class RunError(Shape):
    """Why a run failed."""

    action: str | None = Field(description="The action's id; null where no action failed")
    type: str
    detail: str | None


class RunFields(Shape):
    """What a run shows in a list and by itself."""

    id: str
    status: RunStatus
    reason: str | None = Field(
        description="Of a skipped run: conditions, loop or rate. Of one that waits for a person: why"
    )
    waiting_for: Literal["retry", "crm", "person"] | None
    deadline: str | None = Field(description="Until when it waits; null for a person")
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
    error: RunError | None
    retry_of: str | None = Field(description="The run that this one repeats")
    retried_by: str | None = Field(description="The run that repeats this one")
    detail: str | None = Field(description="Of a skipped run: the reason in one sentence")
    record_title: str | None = Field(description="What the CRM calls the record; null once dropped or erased")


class ActionsDone(Shape):
    """How many of a run's actions succeeded."""

    done: int
    total: int


class CurrentAction(Shape):
    """The action that a run in flight is at."""

    action_id: str
    type: str | None
    attempt: int | None


class RunSummary(RunFields):
    """A run in a list."""

    actions: ActionsDone | None = Field(description="null where nothing was started")
    current: CurrentAction | None
    sentence: str | None = Field(description="Of a run that its conditions skipped: the verdict")


class RunCounts(Shape):
    """How many runs match."""

    by_status: dict[str, int]
    capped: bool = Field(description="Whether one of the counts stopped at 10,000")


class Attempt(Shape):
    """One try of an action."""

    number: int
    started_at: str
    finished_at: str | None
    outcome: Literal["success", "failed", "unknown"] | None = Field(description="null while it is being made")
    error: Error | None
    receipt: JsonValue
    retry_at: str | None
    deadline: str | None
    effect_key: str | None
    warnings: list[str]


class Action(Shape):
    """One action of a run."""

    id: str
    type: str
    status: ActionStatus
    attempts: list[Attempt]
    error: Error | None = None
    receipt: JsonValue = Field(default=None, description="Of an action that an earlier run did")
    kept: bool = Field(default=False, description="True where an earlier run did it and it is not repeated")


class PlannedAction(Shape):
    """What a Retry would do with one action."""

    id: str
    type: str
    outcome: Literal["will_run", "will_not_repeat", "unknown"]
    why: str


class RetryPreview(Shape):
    """What a Retry would do."""

    run_id: str
    version: Literal["pinned", "latest"]
    repeat_completed: bool
    possible: bool
    reason: Literal["not-failed", "payload-expired"] | None = Field(description="Why it is not possible")
    retried_by: str | None = Field(description="The Retry there is already; asking again answers it")
    actions: list[PlannedAction]


class CausedRun(Shape):
    """A run that this run's changes in the CRM led to."""

    id: str
    workflow_id: str
    workflow_name: str
    status: str


class LateResult(Shape):
    """An answer of the CRM that moved nothing."""

    at: str
    action: str
    command_id: str
    outcome: Literal["applied", "rejected"]
    reason: str | None
    why: Literal["late", "repeated"]


class Run(RunFields):
    """A run with its whole story."""

    verdict: JsonValue = Field(description="outcome, sentence and tree; null where nothing was judged")
    actions: list[Action]
    chain: list[str] = Field(description="Workflows whose changes led to the event, oldest first")
    caused: list[CausedRun]
    record: JsonValue = Field(description="As the event brought it; null once dropped or erased")
    previous: JsonValue
    late_results: list[LateResult]
    dead_letter: str | None
    canceled_by: str | None
    redacted: bool = Field(description="Whether the record's data was erased from the history")


class TimelineJudgement(Shape):
    """What one workflow made of an event."""

    workflow_id: str
    workflow_name: str
    version: int
    run_id: str
    status: RunStatus
    reason: Literal["conditions", "loop", "rate"] | None
    detail: str | None
    sentence: str | None = Field(description="The verdict; null where nothing was judged")
    failing: list[JsonValue] = Field(description="The comparisons that kept it from starting")
    retry_of: str | None


class TimelineEvent(Shape):
    """One event of a record."""

    event_id: str
    event: str
    occurred_at: str
    judged_at: str
    workflows: list[TimelineJudgement]


class StatusCounts(Shape):
    """Runs by status."""

    running: int
    waiting: int
    success: int
    failed: int
    canceled: int
    skipped: int


class StatsPoint(Shape):
    """One bucket; a run counts where its event happened."""

    at: str
    run_count: int = Field(description="Runs whose conditions held")
    runs_by_status: StatusCounts
    p50_ms: int | None = Field(description="From event to end, at most ten percent above the true value")
    p99_ms: int | None


class Stats(Shape):
    """Counts and durations over time; buckets in which nothing happened are left out."""

    bucket: Literal["5m", "1h", "1d"]
    items: list[StatsPoint]


class KafkaHolds(Shape):
    """What a topic still holds."""

    topic: str
    until: str = Field(
        description="When the last of it is gone: the topic's retention, and a week to fill a segment"
    )


class Erasure(Shape):
    """What was erased, and what is left."""

    module: str
    record_id: str
    erased_up_to: str
    kafka: list[KafkaHolds]


class StuckRun(Shape):
    """A run past its time."""

    id: str
    workflow_id: str
    workflow_name: str
    status: RunStatus
    waiting_for: Literal["retry", "crm"] | None
    action: str | None
    since: str
    cause: Literal["crm-answer-missing", "breaker-open", "service-behind", "token-missing"]
    about: str = Field(description="The service, the destination, or the kind of action")


class StuckRuns(Shape):
    """The longest ones, all counted by cause, and how many records each service has not read."""

    items: list[StuckRun]
    counts: dict[str, int]
    behind: dict[str, int]


class BulkWorkflow(Shape):
    """One workflow's part of a bulk retry."""

    workflow_id: str
    workflow_name: str
    matching: int
    to_retry: int


class BulkPreview(Shape):
    """How many runs match, and how many of them have no Retry yet."""

    matching: int
    to_retry: int
    workflows: list[BulkWorkflow]


class BulkResult(Shape):
    """What came of one run; both are null while it waits for its turn."""

    position: int
    run_id: str
    new_run_id: str | None
    problem: str | None


class BulkRetry(Shape):
    """A bulk retry and its progress."""

    id: str
    status: Literal["running", "done", "aborted"]
    version: Literal["pinned", "latest"]
    repeat_completed: bool
    per_second: int
    requested_by: str
    requested_at: str
    runs: int
    retried: int
    refused: int
    results: list[BulkResult]
