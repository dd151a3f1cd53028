"""The messages between Signalbox's services, as frozen values.

Each class mirrors the Avro record of the same name in `schemas/messages/`, which documents every field.
Names ending in `_ms` are milliseconds since 1970-01-01 UTC. Fields of type `bytes` that hold JSON are
passed on untouched, and decoded only by whoever looks inside.
"""

from typing import Literal, TypeAlias

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A value that travels on a topic by itself."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A value inside a message."""


# --- from the CRM ---------------------------------------------------------------------------------


class CrmEvent(Message, frozen=True, kw_only=True):
    tenant_id: str
    event_id: str
    module: str
    event: str
    record_id: str
    occurred_at_ms: int
    record: bytes
    previous: bytes | None = None
    """`b"null"` on create; None when the publisher left it out."""
    actor: str | None = None
    origin: str = "api"
    chain: tuple[str, ...] = ()
    depth: int = 0


class CrmCatalog(Message, frozen=True, kw_only=True):
    tenant_id: str
    kind: str
    content: bytes
    published_at_ms: int


# --- definitions ----------------------------------------------------------------------------------

WorkflowStatus: TypeAlias = Literal["active", "paused", "archived"]


class WorkflowVersion(Message, frozen=True, kw_only=True):
    tenant_id: str
    workflow_id: str
    version: int
    definition: bytes
    published_at_ms: int
    published_by: str
    note: str | None = None


class WorkflowState(Message, frozen=True, kw_only=True):
    tenant_id: str
    workflow_id: str
    name: str
    status: WorkflowStatus
    version: int
    changed_at_ms: int
    changed_by: str


class SecretEnvelope(Message, frozen=True, kw_only=True):
    tenant_id: str
    name: str
    key_id: str
    nonce: bytes
    ciphertext: bytes
    changed_at_ms: int


# --- from event to run ----------------------------------------------------------------------------


class Refusal(Part, frozen=True, kw_only=True):
    reason: Literal["loop"]
    detail: str


class Candidate(Part, frozen=True, kw_only=True):
    workflow_id: str
    version: int
    run_id: str
    refusal: Refusal | None = None


class CompletedAction(Part, frozen=True, kw_only=True):
    id: str
    type: str
    status: Literal["success", "failed"]
    parameters_hash: str
    receipt: bytes


class Resume(Part, frozen=True, kw_only=True):
    retry_of: str
    retry_number: int
    mode: Literal["pinned", "latest"]
    requested_by: str
    requested_at_ms: int
    completed: tuple[CompletedAction, ...]
    record: bytes | None = None
    key_generations: dict[str, int] = {}


class RunsRequested(Message, frozen=True, kw_only=True):
    tenant_id: str
    event: bytes
    appended_at_ms: int
    candidates: tuple[Candidate, ...]
    resume: Resume | None = None


# --- the token ------------------------------------------------------------------------------------


class RetryPolicy(Part, frozen=True, kw_only=True):
    attempts: int
    first_backoff_ms: int
    factor: float
    max_backoff_ms: int


class ActionStep(Part, frozen=True, kw_only=True):
    id: str
    index: int
    type: str
    parameters: bytes
    parameters_hash: str
    timeout_ms: int
    retry: RetryPolicy
    on_failure: Literal["stop", "continue"]
    on_unknown: Literal["resend", "hold"]
    key_generation: int = 0


class ActionError(Part, frozen=True, kw_only=True):
    action_id: str
    type: str
    detail: str


class PendingCommand(Part, frozen=True, kw_only=True):
    command_id: str
    issued_at_ms: int
    deadline_ms: int


class ActionRequested(Message, frozen=True, kw_only=True):
    tenant_id: str
    run_id: str
    seq: int
    workflow_id: str
    workflow_name: str
    version: int
    module: str
    record_id: str
    event_id: str
    event: bytes
    record: bytes | None = None
    run_started_at_ms: int
    actions: tuple[ActionStep, ...]
    attempt: int = 1
    completed: tuple[CompletedAction, ...] = ()
    first_error: ActionError | None = None
    chain: tuple[str, ...] = ()
    depth: int = 0
    command: PendingCommand | None = None
    permit: str | None = None
    retry_of: str | None = None


# --- the journal ----------------------------------------------------------------------------------


class ActionOutline(Part, frozen=True, kw_only=True):
    id: str
    type: str
    parameters_hash: str = ""


class Judgement(Part, frozen=True, kw_only=True):
    run_id: str
    workflow_id: str
    workflow_name: str
    version: int
    outcome: Literal["started", "skipped", "refused"]
    reason: Literal["conditions", "loop", "rate"] | None = None
    detail: str | None = None
    verdict: bytes | None = None
    actions: tuple[ActionOutline, ...] = ()
    completed: tuple[CompletedAction, ...] = ()
    retry_of: str | None = None
    retry_number: int = 0


class EventJudged(Message, frozen=True, kw_only=True):
    """Fact number 1 of each of its judgements' runs."""

    tenant_id: str
    event_id: str
    module: str
    event_name: str
    record_id: str
    occurred_at_ms: int
    judged_at_ms: int
    event: bytes
    judgements: tuple[Judgement, ...]
    chain: tuple[str, ...] = ()
    depth: int = 0


class RunFact(Message, frozen=True, kw_only=True):
    tenant_id: str
    run_id: str
    seq: int
    at_ms: int


class ActionFact(RunFact, frozen=True, kw_only=True):
    action_id: str
    index: int
    type: str
    attempt: int


class ActionStarted(ActionFact, frozen=True, kw_only=True):
    deadline_ms: int


class ActionSucceeded(ActionFact, frozen=True, kw_only=True):
    started_at_ms: int
    finished_at_ms: int
    effect_key: str
    receipt: bytes
    record: bytes | None = None
    warnings: tuple[str, ...] = ()


class ActionFailed(ActionFact, frozen=True, kw_only=True):
    started_at_ms: int
    finished_at_ms: int
    effect_key: str
    error_type: str
    error_detail: str
    receipt: bytes | None = None
    retry_at_ms: int | None = None
    final: bool


class RunWaiting(ActionFact, frozen=True, kw_only=True):
    waiting_for: Literal["retry", "crm", "person"]
    deadline_ms: int | None = None
    effect_key: str
    reason: str | None = None
    token: bytes | None = None


class RunSucceeded(RunFact, frozen=True, kw_only=True):
    pass


class RunFailed(RunFact, frozen=True, kw_only=True):
    action_id: str | None = None
    error_type: str
    error_detail: str
    dead_letter: str | None = None


class RunCanceled(RunFact, frozen=True, kw_only=True):
    action_id: str | None = None
    requested_by: str


class LateResult(Message, frozen=True, kw_only=True):
    tenant_id: str
    run_id: str
    at_ms: int
    command_id: str
    action_id: str
    outcome: Literal["applied", "rejected"]
    reason: str | None = None
    why: Literal["late", "repeated"]


class RunRedacted(Message, frozen=True, kw_only=True):
    tenant_id: str
    module: str
    record_id: str
    at_ms: int
    requested_by: str


JournalFact: TypeAlias = (
    EventJudged
    | ActionStarted
    | ActionSucceeded
    | ActionFailed
    | RunWaiting
    | RunSucceeded
    | RunFailed
    | RunCanceled
    | LateResult
    | RunRedacted
)

# --- commands, delays, control ---------------------------------------------------------------------


class CrmCommand(Message, frozen=True, kw_only=True):
    command_id: str
    tenant_id: str
    module: str
    record_id: str
    type: str
    parameters: bytes
    workflow_id: str
    run_id: str
    event_id: str
    chain: tuple[str, ...] = ()
    depth: int = 0
    issued_at_ms: int
    deadline_ms: int
    reply_context: bytes


class CrmCommandResult(Message, frozen=True, kw_only=True):
    command_id: str
    tenant_id: str
    module: str
    record_id: str
    outcome: Literal["applied", "rejected"]
    reason: str | None = None
    receipt: bytes
    record: bytes | None = None
    record_version: int | None = None
    answered_at_ms: int
    reply_context: bytes


class Delayed(Message, frozen=True, kw_only=True):
    due_at_ms: int
    topic: str
    payload: bytes
    headers: dict[str, bytes] = {}


class RunCancelRequested(Message, frozen=True, kw_only=True):
    tenant_id: str
    run_id: str
    requested_at_ms: int
    requested_by: str


class WorkflowRunsCanceled(Message, frozen=True, kw_only=True):
    tenant_id: str
    workflow_id: str
    before_ms: int
    requested_by: str


class WorkflowAlert(Message, frozen=True, kw_only=True):
    tenant_id: str
    workflow_id: str
    kind: Literal["failure_rate"]
    window_seconds: int
    runs: int
    failed: int
    raised_at_ms: int


class OutboxPosition(Message, frozen=True, kw_only=True):
    relay: str
    generation: str
    last_id: int


MESSAGES: tuple[type[Message], ...] = (
    CrmEvent,
    CrmCatalog,
    WorkflowVersion,
    WorkflowState,
    SecretEnvelope,
    RunsRequested,
    ActionRequested,
    EventJudged,
    ActionStarted,
    ActionSucceeded,
    ActionFailed,
    RunWaiting,
    RunSucceeded,
    RunFailed,
    RunCanceled,
    LateResult,
    RunRedacted,
    CrmCommand,
    CrmCommandResult,
    Delayed,
    RunCancelRequested,
    WorkflowRunsCanceled,
    WorkflowAlert,
    OutboxPosition,
)
