"""What the event's path is told of a workflow: records of `workflows.definitions` and `runs.control`."""

from datetime import datetime

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import Message, WorkflowRunsCanceled, WorkflowState, WorkflowVersion
from signalbox_runtime.records import Outbound
from workflow_api.domain.workflow import Change, Workflow


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return round(moment.timestamp() * 1000)


def version_record(workflow: Workflow, definition: bytes, note: str | None, change: Change) -> Outbound:
    """The version `workflow.version`; `definition` has its mail templates copied in."""
    assert workflow.version is not None
    message = WorkflowVersion(
        tenant_id=workflow.tenant_id,
        workflow_id=workflow.id,
        version=workflow.version,
        definition=definition,
        published_at_ms=milliseconds(change.at),
        published_by=change.by,
        note=note,
    )
    return _record(topics.DEFINITIONS, f"{workflow.tenant_id}/{workflow.id}@{workflow.version}", message)


def state_record(workflow: Workflow, change: Change) -> Outbound:
    """What `workflow` is now. A workflow without a version is unknown to the event's path."""
    assert workflow.version is not None
    message = WorkflowState(
        tenant_id=workflow.tenant_id,
        workflow_id=workflow.id,
        name=workflow.name,
        status=workflow.status,
        version=workflow.version,
        changed_at_ms=milliseconds(change.at),
        changed_by=change.by,
    )
    return _record(topics.DEFINITIONS, f"{workflow.tenant_id}/{workflow.id}", message)


def cancel_runs_record(workflow: Workflow, change: Change) -> Outbound:
    """Cancels every run of the workflow that started before now."""
    message = WorkflowRunsCanceled(
        tenant_id=workflow.tenant_id,
        workflow_id=workflow.id,
        before_ms=milliseconds(change.at),
        requested_by=change.by,
    )
    return _record(topics.RUNS_CONTROL, f"{workflow.tenant_id}/{workflow.id}", message)


def _record(topic: str, key: str, message: Message) -> Outbound:
    return Outbound(topic, key.encode(), codec.encode(message))
