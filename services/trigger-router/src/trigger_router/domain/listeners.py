"""Which workflows are active, folded from `workflows.definitions`."""

import msgspec

from signalbox_contracts.definitions import Trigger
from signalbox_contracts.errors import ContractError
from signalbox_contracts.messages import Message, WorkflowState, WorkflowVersion
from signalbox_rules.triggers import ActiveWorkflow, TriggerIndex

WorkflowKey = tuple[str, str]
"""(tenant, workflow id)"""


class RoutedPart(msgspec.Struct, frozen=True):
    """What routing needs of a definition; the rest of it is passed over."""

    trigger: msgspec.Raw
    reentry: str = "avoid"


class Listeners:
    """The active workflows. A version counts from the state that names it."""

    def __init__(self) -> None:
        self.index = TriggerIndex.build(())
        self._definitions: dict[WorkflowKey, dict[int, bytes]] = {}

    def apply(self, message: Message) -> None:
        """Takes one message of `workflows.definitions` in. Raises ContractError for any other."""
        match message:
            case WorkflowVersion(tenant_id=tenant_id, workflow_id=workflow_id, version=version):
                versions = self._definitions.setdefault((tenant_id, workflow_id), {})
                versions[version] = message.definition
            case WorkflowState():
                self._apply_state(message)
            case _:
                raise ContractError(f"{type(message).__name__} does not belong on workflows.definitions.")

    def _apply_state(self, state: WorkflowState) -> None:
        if state.status != "active":
            self.index = self.index.without_workflow(state.tenant_id, state.workflow_id)
            return
        versions = self._definitions.get((state.tenant_id, state.workflow_id), {})
        definition = versions.get(state.version)
        if definition is None:
            raise ContractError(
                f"Workflow {state.workflow_id} of {state.tenant_id} is active in version {state.version}, "
                "which workflows.definitions does not hold. Publish it again."
            )
        self.index = self.index.with_workflow(_active(state, definition))
        for older in [version for version in versions if version < state.version]:
            del versions[older]


def _active(state: WorkflowState, definition: bytes) -> ActiveWorkflow:
    part = msgspec.json.decode(definition, type=RoutedPart)
    return ActiveWorkflow(
        tenant_id=state.tenant_id,
        workflow_id=state.workflow_id,
        version=state.version,
        name=state.name,
        trigger=Trigger.model_validate_json(bytes(part.trigger)),
        reentry="allow" if part.reentry == "allow" else "avoid",
    )
