"""A run as people read it: its row, its attempts and what was asked of it, as api.md's "Shapes" fix it.

What no fact says is worked out here: an action past its CRM deadline is `unknown`, one that a failed run
never came to is `not_reached`, and a run somebody wants canceled is `canceling`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from run_ledger.domain.records import IN_FLIGHT, AttemptRecord, RunRecord, kept_of, outline_of
from run_ledger.domain.verdicts import sentence as verdict_sentence
from run_ledger.domain.views import (
    ActionsDone,
    ActionView,
    AttemptView,
    CausedRun,
    CurrentAction,
    ErrorView,
    LateView,
    RunErrorView,
    RunSummary,
    RunView,
    rfc3339,
)
from signalbox_contracts.messages import ActionOutline, CrmEvent
from signalbox_rules.record_title import title_of

NULL = msgspec.Raw(b"null")


class Beside(msgspec.Struct, frozen=True):
    """What lies beside a run's row, and lists show: its event's record (JSON), verdict, succeeded actions."""

    record: bytes | None = None
    verdict: bytes | None = None
    succeeded: int = 0


NOTHING_BESIDE = Beside()


def shown_status(run: RunRecord) -> str:
    """The status, `canceling` where somebody asked for it and the run goes on."""
    if run.status in IN_FLIGHT and run.cancel_requested:
        return "canceling"
    return "running" if run.settled and run.status == "waiting" else run.status


def summary(run: RunRecord, beside: Beside = NOTHING_BESIDE) -> RunSummary:
    """The run as lists show it, with what was read beside its row."""
    kept = kept_of(run)
    outlines = outline_of(run)
    current = None
    if run.status in IN_FLIGHT and run.action_id is not None:
        types = {outline.id: outline.type for outline in outlines}
        current = CurrentAction(run.action_id, types.get(run.action_id), run.attempt)
    return RunSummary(
        **_summary_fields(run, beside.record),
        actions=ActionsDone(len(kept) + beside.succeeded, len(outlines)) if outlines else None,
        current=current,
        sentence=verdict_sentence(beside.verdict),
    )


def story(
    run: RunRecord,
    attempts: Sequence[AttemptRecord],
    *,
    verdict: bytes | None,
    event: CrmEvent | None,
    late: Sequence[LateView],
    caused: Sequence[CausedRun],
    now_ms: int,
) -> RunView:
    """The run as a page shows it. `event` is None once payloads of its age are dropped or erased."""
    return RunView(
        **_summary_fields(run, event.record if event else None),
        verdict=_raw(verdict),
        actions=actions(run, attempts, now_ms),
        chain=run.chain.split(",") if run.chain else [],
        caused=list(caused),
        record=_raw(event.record if event else None),
        previous=_raw(event.previous if event else None),
        late_results=list(late),
        dead_letter=run.dead_letter,
        canceled_by=run.ended_by,
        redacted=run.redacted,
    )


def actions(run: RunRecord, attempts: Sequence[AttemptRecord], now_ms: int) -> list[ActionView]:
    """Every action of the run with its status and attempts."""
    kept = kept_of(run)
    by_action: dict[str, list[AttemptRecord]] = {}
    for attempt in sorted(attempts, key=lambda each: each.attempt):
        by_action.setdefault(attempt.action_id, []).append(attempt)
    views: list[ActionView] = []
    token_here = run.status in IN_FLIGHT  # the first action that is not over is the one the token is at
    for outline in outline_of(run):
        if outline.id in kept:
            receipt = _raw(kept[outline.id].receipt)
            views.append(ActionView(outline.id, outline.type, "success", [], receipt=receipt, kept=True))
            continue
        tries = by_action.get(outline.id, [])
        status = _action_status(run, outline.id, tries, token_here=token_here, now_ms=now_ms)
        token_here = token_here and status in ("success", "failed")
        views.append(_action_view(outline, status, tries, run, now_ms))
    return views


def _action_status(
    run: RunRecord, action_id: str, tries: Sequence[AttemptRecord], *, token_here: bool, now_ms: int
) -> str:
    last = tries[-1] if tries else None
    if last is not None and last.outcome == "success":
        return "success"
    if last is not None and last.outcome == "failed" and last.final:
        return "failed"
    if run.status not in IN_FLIGHT:
        return _left_behind(run, action_id, last)
    if last is None:
        return "running" if token_here else "pending"
    if run.settled and last.outcome != "failed":
        return "running"
    match last.outcome:
        case "failed":
            return "retrying"
        case "unknown":
            return "unknown"
        case "commanded" if last.deadline_ms is not None and last.deadline_ms < now_ms:
            return "unknown"
        case _:
            return "running"


def _left_behind(run: RunRecord, action_id: str, last: AttemptRecord | None) -> str:
    """An action that was not over when its run ended."""
    if run.status == "canceled" and (last is not None or run.action_id == action_id):
        return "canceled"
    if last is None:
        return "not_reached"
    return "failed" if last.outcome == "failed" else "unknown"


def _action_view(
    outline: ActionOutline, status: str, tries: Sequence[AttemptRecord], run: RunRecord, now_ms: int
) -> ActionView:
    failed = next((each for each in reversed(tries) if each.error_type is not None), None)
    error: ErrorView | msgspec.UnsetType = msgspec.UNSET
    if status in ("failed", "retrying") and failed is not None:
        error = ErrorView(failed.error_type or "", failed.error_detail)
    views = [_attempt_view(each, run, now_ms) for each in tries]
    return ActionView(outline.id, outline.type, status, views, error=error)


def _attempt_view(attempt: AttemptRecord, run: RunRecord, now_ms: int) -> AttemptView:
    overdue = attempt.deadline_ms is not None and attempt.deadline_ms < now_ms
    open_outcome = "unknown" if overdue or run.status not in IN_FLIGHT else None
    outcomes: Mapping[str, str | None] = {
        "success": "success",
        "failed": "failed",
        "unknown": "unknown",
        "commanded": open_outcome,
        "started": open_outcome,
    }
    error = None if attempt.error_type is None else ErrorView(attempt.error_type, attempt.error_detail)
    return AttemptView(
        attempt.attempt,
        rfc3339(attempt.started_at_ms),
        rfc3339(attempt.finished_at_ms),
        outcomes[attempt.outcome],
        error,
        _raw(attempt.receipt),
        rfc3339(attempt.retry_at_ms),
        rfc3339(attempt.deadline_ms),
        attempt.effect_key,
        msgspec.Raw(attempt.warnings or b"[]"),
    )


def _summary_fields(run: RunRecord, record: bytes | None) -> dict[str, Any]:
    error = None
    if run.error_type is not None:
        error = RunErrorView(run.action_id, run.error_type, run.error_detail)
    ended = run.ended_at_ms
    waits = run.status == "waiting" and not run.settled
    return {
        "id": run.run_id,
        "status": shown_status(run),
        "reason": run.reason if waits or run.status == "skipped" else None,
        "waiting_for": run.waiting_for if waits else None,
        "deadline": rfc3339(run.deadline_ms) if waits else None,
        "workflow_id": run.workflow_id,
        "workflow_name": run.workflow_name,
        "version": run.version,
        "module": run.module,
        "event": run.event,
        "record_id": run.record_id,
        "event_id": run.event_id,
        "started_at": rfc3339(run.started_at_ms),
        "finished_at": rfc3339(ended),
        "duration_ms": None if ended is None else max(ended - run.started_at_ms, 0),
        "error": error,
        "retry_of": run.retry_of,
        "retried_by": run.retried_by,
        "detail": run.detail,
        "record_title": None if record is None else title_of(msgspec.json.decode(record)),
    }


def _raw(content: bytes | None) -> msgspec.Raw:
    return msgspec.Raw(content) if content else NULL
