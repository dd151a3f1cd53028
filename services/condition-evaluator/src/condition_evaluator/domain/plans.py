"""What a run will do: the actions of a version as the steps of a token."""

from typing import Final, NamedTuple

import msgspec

from signalbox_contracts import ids
from signalbox_contracts.definitions.document import ActionDefinition, WorkflowDefinition
from signalbox_contracts.definitions.durations import parse_duration
from signalbox_contracts.messages import ActionOutline, ActionStep, CompletedAction, Resume, RetryPolicy

ACTION_TIMEOUT_MS: Final = 30_000
"""For an action whose author gave no timeout: longer than a slow web service or a CRM takes."""


class Plan(NamedTuple):
    """What is to be done, and what a Retry keeps as done."""

    steps: tuple[ActionStep, ...]
    completed: tuple[CompletedAction, ...]


def steps_of(definition: WorkflowDefinition) -> tuple[ActionStep, ...]:
    """Every action of a version, in order, with its durations in milliseconds."""
    return tuple(_step(index, action) for index, action in enumerate(definition.actions))


def outlines_of(steps: tuple[ActionStep, ...]) -> tuple[ActionOutline, ...]:
    """The steps as the history names them."""
    return tuple(
        ActionOutline(id=step.id, type=step.type, parameters_hash=step.parameters_hash) for step in steps
    )


def plan(steps: tuple[ActionStep, ...], resume: Resume | None) -> Plan:
    """The steps a run does. A Retry leaves out what succeeded and is still the same action.

    The same means the same id and the same unrendered parameters: on the pinned version every action is the
    same; on a later one an edited action is done again.
    """
    if resume is None:
        return Plan(steps, ())
    succeeded = {action.id: action for action in resume.completed if action.status == "success"}
    to_do: list[ActionStep] = []
    kept: list[CompletedAction] = []
    for step in steps:
        before = succeeded.get(step.id)
        if before is not None and before.parameters_hash == step.parameters_hash:
            kept.append(before)
        else:
            generation = resume.key_generations.get(step.id, step.key_generation)
            to_do.append(msgspec.structs.replace(step, key_generation=generation))
    return Plan(tuple(to_do), tuple(kept))


def _step(index: int, action: ActionDefinition) -> ActionStep:
    parameters = msgspec.json.encode(action.with_, order="deterministic")
    retry = action.retry
    return ActionStep(
        id=action.id,
        index=index,
        type=action.type,
        parameters=parameters,
        parameters_hash=ids.parameters_hash(action.type, parameters),
        timeout_ms=ACTION_TIMEOUT_MS if action.timeout is None else _milliseconds(action.timeout),
        retry=RetryPolicy(
            attempts=retry.attempts,
            first_backoff_ms=_milliseconds(retry.first_backoff),
            factor=retry.factor,
            max_backoff_ms=_milliseconds(retry.max_backoff),
        ),
        on_failure=action.on_failure,
        on_unknown=action.on_unknown,
    )


def _milliseconds(duration: str) -> int:
    return round(parse_duration(duration).seconds * 1000)
