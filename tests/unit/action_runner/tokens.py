"""Tokens for tests of pure functions."""

from typing import Any

from signalbox_contracts import codec
from signalbox_contracts.messages import ActionRequested, ActionStep, CrmEvent, RetryPolicy

NOW_MS = 1_795_428_000_000


def step(kind: str = "webhook", index: int = 0, **changes: Any) -> ActionStep:
    """An action step; three attempts, one second apart at first."""
    fields: dict[str, Any] = {
        "id": f"action-{index}",
        "index": index,
        "type": kind,
        "parameters": b"{}",
        "parameters_hash": f"hash-{index}",
        "timeout_ms": 15_000,
        "retry": RetryPolicy(attempts=3, first_backoff_ms=1_000, factor=2.0, max_backoff_ms=600_000),
        "on_failure": "stop",
        "on_unknown": "resend",
    }
    return ActionStep(**{**fields, **changes})


def token(*steps: ActionStep, **changes: Any) -> ActionRequested:
    """A run that was judged (seq 1) and has these actions before it."""
    event = CrmEvent(
        tenant_id="acme",
        event_id="evt-1",
        module="leads",
        event="created",
        record_id="lead-1",
        occurred_at_ms=NOW_MS,
        record=b'{"id":"lead-1","name":"Ada","owner":"u-1"}',
        previous=b"null",
    )
    fields: dict[str, Any] = {
        "tenant_id": "acme",
        "run_id": "run-1",
        "seq": 1,
        "workflow_id": "wf-1",
        "workflow_name": "Welcome",
        "version": 1,
        "module": "leads",
        "record_id": "lead-1",
        "event_id": "evt-1",
        "event": codec.encode(event),
        "run_started_at_ms": NOW_MS,
        "actions": steps or (step(),),
    }
    return ActionRequested(**{**fields, **changes})
