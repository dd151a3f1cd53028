"""A folded batch's rows as the columns of `schema`, in their order."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from run_ledger.domain.figures import bucket_ms, duration_step
from run_ledger.domain.rows import (
    AttemptRow,
    EventRow,
    LateRow,
    PayloadRow,
    RunRow,
    RunStart,
    SkippedRow,
    VerdictRow,
)
from run_ledger.domain.transitions import (
    Canceled,
    Failed,
    Place,
    Running,
    RunState,
    Waiting,
    ended,
    status,
)
from signalbox_contracts import ids
from signalbox_contracts.messages import CompletedAction

Columns = tuple[Any, ...]

_NO_IDENTITY: Final = (None, None, None, None, None, None, None, None, None, None, 0, "", 0)


def run(row: RunRow) -> Columns:
    """`schema.RUNS`."""
    start, standing = row.start, row.standing
    return (
        *row.key,
        *(_NO_IDENTITY if start is None else _identity(start)),
        msgspec.json.encode(start.actions) if start is not None else None,
        msgspec.json.encode([_kept(action) for action in start.kept]) if start and start.kept else None,
        standing.seq,
        status(standing.state),
        standing.at_ms,
        standing.at_ms if ended(standing.state) else None,
        *_state(standing.state),
        row.seen,
    )


def meeting_run(row: RunRow) -> Columns:
    """`run`, and what its meeting with the row of earlier batches asks for."""
    return (*run(row), row.first_seq, row.whole, *_figures(row))


def skipped(row: SkippedRow) -> Columns:
    """`schema.SKIPPED`."""
    state: Any = row.standing.state
    return (*row.key, *_identity(row.start), state.reason, state.detail, row.seen)


def meeting_skipped(row: SkippedRow) -> Columns:
    """`skipped`, and the bucket it counts in."""
    return (*skipped(row), bucket_ms(ids.run_id_time_ms(row.key.run_id)))


def attempt(row: AttemptRow) -> Columns:
    """`schema.ATTEMPTS`."""
    return (
        *row.key,
        row.index,
        row.attempt,
        row.seq,
        row.action_id,
        row.type,
        row.outcome,
        row.started_at_ms,
        row.finished_at_ms,
        row.deadline_ms,
        row.retry_at_ms,
        row.final,
        row.error_type,
        row.error_detail,
        row.effect_key,
        row.receipt,
        msgspec.json.encode(row.warnings) if row.warnings else None,
    )


def payload(row: PayloadRow) -> Columns:
    """`schema.PAYLOADS`."""
    return (*row.key, row.record_seq, row.record, row.token_seq, row.token)


def event(row: EventRow) -> Columns:
    """`schema.EVENTS`."""
    return row.tenant_id, row.event_key, row.body


def verdict(row: VerdictRow) -> Columns:
    """`schema.VERDICTS`."""
    return *row.key, row.verdict


def late(row: LateRow) -> Columns:
    """`schema.LATE_RESULTS`."""
    return (
        *row.key,
        row.digest,
        row.at_ms,
        row.command_id,
        row.action_id,
        row.outcome,
        row.reason,
        row.why,
    )


def changes(runs: list[RunRow], skipped_runs: list[SkippedRow]) -> Iterator[Columns]:
    """`schema.CHANGES` of runs that begin."""
    for run_row in runs:
        start = run_row.start
        assert start is not None
        bucket, ended_bucket, step = _figures(run_row)
        now = status(run_row.standing.state)
        yield (
            run_row.key.tenant_id,
            start.workflow_id,
            bucket,
            None,
            now,
            start.started_at_ms,
            ended_bucket,
            step,
        )
    for row in skipped_runs:
        bucket = bucket_ms(ids.run_id_time_ms(row.key.run_id))
        yield row.key.tenant_id, row.start.workflow_id, bucket, None, "skipped", None, None, None


def _figures(row: RunRow) -> tuple[int, int | None, int | None]:
    """The bucket of the run, and where it has ended that of its end, and the step of its duration."""
    standing, event_time_ms = row.standing, ids.run_id_time_ms(row.key.run_id)
    if not ended(standing.state):
        return bucket_ms(event_time_ms), None, None
    step = duration_step(max(standing.at_ms - event_time_ms, 0))
    return bucket_ms(event_time_ms), bucket_ms(standing.at_ms), step


def _identity(start: RunStart) -> Columns:
    return (
        start.workflow_id,
        start.workflow_name,
        start.version,
        start.module,
        start.event,
        start.event_id,
        start.record_id,
        start.occurred_at_ms,
        start.started_at_ms,
        start.retry_of,
        start.retry_number,
        ",".join(start.chain),
        start.depth,
    )


def _kept(action: CompletedAction) -> dict[str, Any]:
    return {**msgspec.structs.asdict(action), "receipt": msgspec.Raw(action.receipt or b"null")}


_NOTHING: Final = (None,) * 11


def _state(state: RunState) -> Columns:
    """waiting_for, deadline, reason, action (index, id, type, attempt), error, dead letter, ended by."""
    match state:
        case Waiting(action=action):
            place = (action.index, action.action_id, action.type, action.attempt)
            return (state.waiting_for, state.deadline_ms, state.reason, *place, None, None, None, None)
        case Running(last=Place() as last):
            return (None, None, None, last.index, last.action_id, last.type, last.attempt, *(None,) * 4)
        case Failed(error=error):
            action_id = error.action_id
            return (*(None,) * 4, action_id, None, None, error.type, error.detail, state.dead_letter, None)
        case Canceled():
            return (*(None,) * 4, state.action_id, *(None,) * 5, state.requested_by)
        case _:
            return _NOTHING
