"""What a workflow's actions cause: the events that its writes make the CRM publish, and whom those may
start.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from signalbox_contracts.definitions.document import Trigger, WorkflowDefinition
from signalbox_rules.actions.action import Write
from signalbox_rules.actions.registry import ACTIONS_BY_TYPE
from signalbox_rules.errors import RulesError
from signalbox_rules.modules.registry import specific_events
from signalbox_rules.narrowing import STAGE_FIELD
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import text_key
from signalbox_rules.satisfiability import Possible, possible_outcomes
from signalbox_rules.verdicts import in_words


@dataclass(frozen=True, slots=True)
class AnalysedWorkflow:
    """An active workflow and the definition of its active version."""

    workflow_id: str
    definition: WorkflowDefinition


@dataclass(frozen=True, slots=True)
class Consequence:
    """A write and the events it can cause, one of them each time. `sentence` follows a workflow's name."""

    write: Write
    module: str
    events: tuple[str, ...]
    sentence: str


def writes_of(definition: WorkflowDefinition) -> Iterator[Write]:
    """What the actions write; actions that are not valid write nothing."""
    for action in definition.actions:
        description = ACTIONS_BY_TYPE.get(action.type)
        if description is None:
            continue
        try:
            parameters = description.parameters.model_validate(action.with_)
        except ValidationError:
            continue
        yield from description.writes(parameters)


def consequences_of(definition: WorkflowDefinition) -> Iterator[Consequence]:
    """What the writes cause."""
    module = definition.trigger.module
    for write in writes_of(definition):
        match write.kind:
            case "record":
                yield Consequence(write, write.name, ("created",), f"creates a record of {write.name}")
            case "stage":
                to = f" to {in_words(write.value)}" if write.value is not None else ""
                yield Consequence(write, module, tuple(_stage_events(module, write)), f"moves the stage{to}")
            case "field":
                to = f" to {in_words(write.value)}" if write.value is not None else ""
                yield Consequence(write, module, ("updated",), f"sets {write.name}{to}")


def _stage_events(module: str, write: Write) -> Iterator[str]:
    """The names a change of stage can be published under: the more specific ones if the stage may mean
    them.
    """
    for event in specific_events(module, "stage_changed"):
        outcome = event.removeprefix("closed_")
        if event == "stage_changed" or write.value is None or outcome in text_key(str(write.value)):
            yield event


def may_trigger(consequence: Consequence, definition: WorkflowDefinition) -> bool:
    """Does nothing in the other workflow's trigger and conditions rule it out?"""
    write = consequence.write
    return _may_match(write, definition.trigger) and _may_hold(write, definition)


def _may_match(write: Write, trigger: Trigger) -> bool:
    if trigger.fields is not None:
        name = STAGE_FIELD if write.kind == "stage" else write.name
        return write.kind != "record" and any(
            parse_path(field)[0] == parse_path(name)[0] for field in trigger.fields
        )
    if trigger.to is not None and write.kind == "stage" and write.value is not None:
        return text_key(str(write.value)) in {text_key(stage) for stage in trigger.to}
    return True


def _may_hold(write: Write, definition: WorkflowDefinition) -> bool:
    if definition.conditions is None or write.kind == "record" or write.value is None:
        return True
    known: dict[str, Any] = {STAGE_FIELD if write.kind == "stage" else write.name: write.value}
    try:
        return possible_outcomes(definition.conditions, known) is not Possible.NEVER
    except RulesError:
        return True
