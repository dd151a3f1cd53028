"""From an event to the workflows it may start: one message for all of them."""

from collections.abc import Sequence
from typing import assert_never

from signalbox_contracts import ids
from signalbox_contracts.messages import Candidate, CrmEvent, Refusal, RunsRequested
from signalbox_rules.guards import Allowed, Refused, guard_loop
from signalbox_rules.listeners import ActiveWorkflow


def request_runs(
    event: CrmEvent, event_bytes: bytes, appended_at_ms: int, matching: Sequence[ActiveWorkflow]
) -> RunsRequested:
    """The request to judge `event` by each of `matching`, sorted by workflow id.

    `event_bytes` go downstream untouched. `appended_at_ms` is the broker's time of the event's record. A
    workflow that the loop guard refuses stays a candidate, so that its refusal gets into the history.
    """
    time_ms = ids.run_time_ms(event.occurred_at_ms, appended_at_ms)
    return RunsRequested(
        tenant_id=event.tenant_id,
        event=event_bytes,
        appended_at_ms=appended_at_ms,
        candidates=tuple(
            Candidate(
                workflow_id=workflow.workflow_id,
                version=workflow.version,
                run_id=ids.run_id(time_ms, event.tenant_id, event.event_id, workflow.workflow_id),
                refusal=_refusal(event, workflow),
            )
            for workflow in matching
        ),
    )


def _refusal(event: CrmEvent, workflow: ActiveWorkflow) -> Refusal | None:
    match guard_loop(workflow.workflow_id, workflow.reentry, event.chain, event.depth):
        case Allowed():
            return None
        case Refused(detail=detail):
            return Refusal(reason="loop", detail=detail)
        case decision:
            assert_never(decision)
