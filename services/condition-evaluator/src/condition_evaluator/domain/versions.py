"""Every version of every workflow, folded from `workflows.definitions`, compiled when first judged by."""

from collections import OrderedDict
from typing import Final, NamedTuple

from condition_evaluator.domain.plans import outlines_of, steps_of
from signalbox_contracts.definitions.document import InvalidDefinition, from_bytes
from signalbox_contracts.errors import ContractError
from signalbox_contracts.messages import ActionOutline, ActionStep, Message, WorkflowState, WorkflowVersion
from signalbox_rules.conditions import CompiledCondition, compile_condition
from signalbox_rules.errors import RulesError

COMPILED_MAX: Final = 20_000
"""Versions kept compiled; about 10 KB each, and a tenant's live ones are far fewer."""


class JudgingVersion(NamedTuple):
    """A version, ready to judge and to start runs."""

    workflow_id: str
    name: str
    version: int
    condition: CompiledCondition
    steps: tuple[ActionStep, ...]
    outlines: tuple[ActionOutline, ...]


class UnusableVersion(NamedTuple):
    """A version that can't judge; the sentence says why and what to do."""

    detail: str


class Versions:
    """All published versions, by tenant, workflow and number."""

    def __init__(self) -> None:
        self._definitions: dict[tuple[str, str, int], bytes] = {}
        self._current: dict[tuple[str, str], int] = {}
        self._compiled: OrderedDict[tuple[str, str, int], JudgingVersion] = OrderedDict()

    def apply(self, message: Message) -> None:
        """Takes one message of `workflows.definitions` in. Raises ContractError for any other."""
        match message:
            case WorkflowVersion():
                key = (message.tenant_id, message.workflow_id, message.version)
                self._definitions[key] = message.definition
            case WorkflowState():
                self._current[message.tenant_id, message.workflow_id] = message.version
            case _:
                raise ContractError(f"{type(message).__name__} does not belong on workflows.definitions.")

    def find(self, tenant_id: str, workflow_id: str, version: int) -> JudgingVersion | UnusableVersion:
        """A version by its number, or with 0 the one that judges new events."""
        number = version or self._current.get((tenant_id, workflow_id), 0)
        key = (tenant_id, workflow_id, number)
        compiled = self._compiled.get(key)
        if compiled is not None:
            self._compiled.move_to_end(key)
            return compiled
        definition = self._definitions.get(key)
        if definition is None:
            return UnusableVersion(
                f"Version {number or 'latest'} of workflow {workflow_id} is not published. "
                "Publish the workflow, then retry the run on its latest version."
            )
        return self._compile(key, definition)

    def _compile(self, key: tuple[str, str, int], definition: bytes) -> JudgingVersion | UnusableVersion:
        _, workflow_id, version = key
        try:
            document = from_bytes(definition)
            condition = compile_condition(document.conditions)
        except (InvalidDefinition, RulesError) as error:
            return UnusableVersion(
                f"Version {version} of workflow {workflow_id} is not understood by this release: {error}. "
                "Publish the workflow again, then retry the run on its latest version."
            )
        steps = steps_of(document)
        compiled = JudgingVersion(workflow_id, document.name, version, condition, steps, outlines_of(steps))
        self._compiled[key] = compiled
        if len(self._compiled) > COMPILED_MAX:
            self._compiled.popitem(last=False)
        return compiled
