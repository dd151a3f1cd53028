"""Facts as the services write them, short to say."""

from typing import Any

from run_ledger.domain import facts_seen
from run_ledger.domain.fold import Fact
from signalbox_contracts import codec, ids
from signalbox_contracts.messages import (
    ActionFailed,
    ActionOutline,
    ActionStarted,
    ActionSucceeded,
    CrmEvent,
    EventJudged,
    JournalFact,
    Judgement,
    LateResult,
    RunCanceled,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)

TENANT = "demo"
T0 = 1_795_428_000_000
ACTIONS = (
    ActionOutline(id="welcome", type="send_email", parameters_hash="a" * 64),
    ActionOutline(id="tell-erp", type="webhook", parameters_hash="b" * 64),
    ActionOutline(id="task", type="create_task", parameters_hash="c" * 64),
)


def run_id(event_id: str = "evt-1", workflow_id: str = "wf-1", retry_number: int = 0) -> str:
    return ids.run_id(T0, TENANT, event_id, workflow_id, retry_number)


def event(event_id: str = "evt-1", record_id: str = "lead-42", **changes: Any) -> CrmEvent:
    return CrmEvent(
        **{
            "tenant_id": TENANT,
            "event_id": event_id,
            "module": "leads",
            "event": "created",
            "record_id": record_id,
            "occurred_at_ms": T0,
            "record": b'{"id":"lead-42","name":"Ada"}',
            "previous": b"null",
            **changes,
        }
    )


def started(workflow_id: str = "wf-1", event_id: str = "evt-1", **changes: Any) -> Judgement:
    return Judgement(
        **{
            "run_id": run_id(event_id, workflow_id),
            "workflow_id": workflow_id,
            "workflow_name": "Welcome",
            "version": 3,
            "outcome": "started",
            "verdict": b'{"outcome":true,"sentence":"source was Web Form","tree":{"all":[]}}',
            "actions": ACTIONS,
            **changes,
        }
    )


def skipped(workflow_id: str = "wf-2", event_id: str = "evt-1", **changes: Any) -> Judgement:
    return Judgement(
        **{
            "run_id": run_id(event_id, workflow_id),
            "workflow_id": workflow_id,
            "workflow_name": "Big leads",
            "version": 1,
            "outcome": "skipped",
            "reason": "conditions",
            "verdict": b'{"outcome":false,"sentence":"amount was 10","tree":{"all":[]}}',
            **changes,
        }
    )


def judged(*judgements: Judgement, at_ms: int = T0 + 5, source: CrmEvent | None = None) -> EventJudged:
    source = source or event()
    return EventJudged(
        tenant_id=TENANT,
        event_id=source.event_id,
        module=source.module,
        event_name=source.event,
        record_id=source.record_id,
        occurred_at_ms=source.occurred_at_ms,
        judged_at_ms=at_ms,
        event=codec.encode(source),
        judgements=judgements,
        chain=source.chain,
        depth=source.depth,
    )


def _about(index: int, run: str, seq: int) -> dict[str, Any]:
    outline = ACTIONS[index]
    return {
        "tenant_id": TENANT,
        "run_id": run,
        "seq": seq,
        "at_ms": T0 + 10 * seq,
        "action_id": outline.id,
        "index": index,
        "type": outline.type,
        "attempt": 1,
    }


def _tried(seq: int) -> dict[str, Any]:
    return {"started_at_ms": T0 + 10 * seq - 8, "finished_at_ms": T0 + 10 * seq, "effect_key": "e" * 64}


def action_started(seq: int, index: int = 0, run: str = "", **changes: Any) -> ActionStarted:
    return ActionStarted(**{**_about(index, run or run_id(), seq), "deadline_ms": T0 + 60_000, **changes})


def succeeded(seq: int, index: int = 0, run: str = "", **changes: Any) -> ActionSucceeded:
    receipt = {"receipt": b'{"message_id":"<m@demo>"}'}
    return ActionSucceeded(**{**_about(index, run or run_id(), seq), **_tried(seq), **receipt, **changes})


def failed(seq: int, index: int = 0, run: str = "", **changes: Any) -> ActionFailed:
    error = {"error_type": "http-status", "error_detail": "POST https://erp.example/leads answered 500"}
    return ActionFailed(
        **{**_about(index, run or run_id(), seq), **_tried(seq), **error, "final": True, **changes}
    )


def waiting(seq: int, index: int = 0, run: str = "", **changes: Any) -> RunWaiting:
    wait = {"waiting_for": "crm", "deadline_ms": T0 + 60_000, "effect_key": "e" * 64}
    return RunWaiting(**{**_about(index, run or run_id(), seq), **wait, **changes})


def run_succeeded(seq: int, run: str = "") -> RunSucceeded:
    return RunSucceeded(tenant_id=TENANT, run_id=run or run_id(), seq=seq, at_ms=T0 + 10 * seq)


def run_failed(seq: int, run: str = "", **changes: Any) -> RunFailed:
    error = {
        "action_id": "tell-erp",
        "error_type": "http-status",
        "error_detail": "POST https://erp.example/leads answered 500",
    }
    return RunFailed(
        **{
            "tenant_id": TENANT,
            "run_id": run or run_id(),
            "seq": seq,
            "at_ms": T0 + 10 * seq,
            **error,
            **changes,
        }
    )


def run_canceled(seq: int, run: str = "", action_id: str | None = "tell-erp") -> RunCanceled:
    return RunCanceled(
        tenant_id=TENANT,
        run_id=run or run_id(),
        seq=seq,
        at_ms=T0 + 10 * seq,
        action_id=action_id,
        requested_by="ada@demo",
    )


def late_result(run: str = "", at_ms: int = T0 + 90_000) -> LateResult:
    return LateResult(
        tenant_id=TENANT,
        run_id=run or run_id(),
        at_ms=at_ms,
        command_id="e" * 64,
        action_id="task",
        outcome="applied",
        why="late",
    )


def as_fact(message: JournalFact) -> Fact:
    return Fact(message, facts_seen.digest(codec.encode(message)))


def as_facts(*messages: JournalFact) -> list[Fact]:
    return [as_fact(message) for message in messages]
