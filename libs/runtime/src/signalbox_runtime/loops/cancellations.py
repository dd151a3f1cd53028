"""Runs that people canceled, as `runs.control` tells them; who moves a run on asks here first."""

from signalbox_contracts import codec
from signalbox_contracts.messages import RunCancelRequested, WorkflowRunsCanceled
from signalbox_runtime.records import Inbound


class Cancellations:
    """The cancellations known so far. `apply` is for a view of `runs.control`."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], str] = {}
        self._workflows: dict[tuple[str, str], WorkflowRunsCanceled] = {}

    def __bool__(self) -> bool:
        return bool(self._runs or self._workflows)

    def workflows(self) -> tuple[WorkflowRunsCanceled, ...]:
        """The workflows of which all runs that started until a time were canceled."""
        return tuple(self._workflows.values())

    def apply(self, inbound: Inbound) -> None:
        """Takes one record of `runs.control` in. A tombstone says nothing: a run is canceled for good."""
        if inbound.value is None:
            return
        match codec.decode_any(inbound.value):
            case RunCancelRequested() as request:
                self._runs[request.tenant_id, request.run_id] = request.requested_by
            case WorkflowRunsCanceled() as request:
                self._workflows[request.tenant_id, request.workflow_id] = request
            case other:
                raise TypeError(f"{inbound.place} holds a {type(other).__name__}, which is no cancellation.")

    def canceled_by(
        self, tenant_id: str, run_id: str, workflow_id: str, run_started_at_ms: int
    ) -> str | None:
        """Who canceled the run, by itself or with all of its workflow that started until then; or None."""
        requested_by = self._runs.get((tenant_id, run_id))
        if requested_by is not None:
            return requested_by
        request = self._workflows.get((tenant_id, workflow_id))
        return (
            request.requested_by if request is not None and run_started_at_ms <= request.before_ms else None
        )
