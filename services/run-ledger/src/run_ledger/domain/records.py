"""Rows of the history as they are read."""

import msgspec

from signalbox_contracts.messages import ActionOutline, CompletedAction

IN_FLIGHT = ("running", "waiting")


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run's row as it is read; of `skipped` runs, those fields that they have."""

    tenant_id: str
    run_id: str
    workflow_id: str
    workflow_name: str
    version: int
    module: str
    event: str
    event_id: str
    record_id: str
    occurred_at_ms: int
    started_at_ms: int
    status: str
    moved_at_ms: int
    ended_at_ms: int | None = None
    retry_of: str | None = None
    retry_number: int = 0
    chain: str = ""
    depth: int = 0
    outline: bytes | None = None
    kept: bytes | None = None
    seq: int = 1
    waiting_for: str | None = None
    deadline_ms: int | None = None
    reason: str | None = None
    detail: str | None = None
    action_index: int | None = None
    action_id: str | None = None
    attempt: int | None = None
    error_type: str | None = None
    error_detail: str | None = None
    dead_letter: str | None = None
    ended_by: str | None = None
    cancel_requested: bool = False
    settled: bool = False
    """Somebody settled the wait it is in; the fact that says so is on its way."""
    retried_by: str | None = None
    redacted: bool = False


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt's row as it is read."""

    action_index: int
    attempt: int
    seq: int
    action_id: str
    outcome: str
    started_at_ms: int
    finished_at_ms: int | None = None
    deadline_ms: int | None = None
    retry_at_ms: int | None = None
    final: bool = False
    error_type: str | None = None
    error_detail: str | None = None
    effect_key: str | None = None
    receipt: bytes | None = None
    warnings: bytes | None = None


def outline_of(run: RunRecord) -> list[ActionOutline]:
    """The version's actions, in order; empty unless the run started."""
    return [] if run.outline is None else msgspec.json.decode(run.outline, type=list[ActionOutline])


class _Kept(msgspec.Struct, frozen=True):
    id: str
    type: str
    status: str
    parameters_hash: str
    receipt: msgspec.Raw


def kept_of(run: RunRecord) -> dict[str, CompletedAction]:
    """The actions that this run did not repeat, by id."""
    kept = [] if run.kept is None else msgspec.json.decode(run.kept, type=list[_Kept])
    return {
        each.id: CompletedAction(
            id=each.id,
            type=each.type,
            status="success" if each.status == "success" else "failed",
            parameters_hash=each.parameters_hash,
            receipt=bytes(each.receipt),
        )
        for each in kept
    }
