"""What is wrong with a workflow's meaning, all of it at once, each with its place and what is allowed there."""

from collections.abc import Iterator, Mapping
from typing import Any

from signalbox_contracts.definitions import (
    InvalidDefinition,
    Problem,
    Trigger,
    WorkflowDefinition,
    parse_definition,
)
from signalbox_rules.action_validation import action_problems
from signalbox_rules.condition_validation import condition_problems
from signalbox_rules.errors import RulesError
from signalbox_rules.modules.registry import EVENTS, MODULES, MODULES_BY_NAME
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import text_key
from signalbox_rules.record_catalog import Catalog, RecordModule


def validate(definition: WorkflowDefinition, catalog: Catalog | None) -> list[Problem]:
    """Errors (it cannot be published) and warnings (it can). Without a catalog nothing is said about fields."""
    module = catalog.modules.get(definition.trigger.module) if catalog is not None else None
    users = catalog.users if catalog is not None else {}
    problems = list(_trigger_problems(definition.trigger, module))
    if definition.conditions is not None:
        problems.extend(condition_problems(definition.conditions, module))
    for index, action in enumerate(definition.actions):
        earlier = [other.id for other in definition.actions[:index]]
        problems.extend(action_problems(action, f"/actions/{index}", earlier, module, users))
    return problems


def validate_document(
    document: object, catalog: Catalog | None
) -> tuple[WorkflowDefinition | None, list[Problem]]:
    """The same from a document: its definition if its shape is right, and everything that is wrong with it."""
    try:
        definition = parse_definition(document)
    except InvalidDefinition as error:
        return None, error.problems
    return definition, validate(definition, catalog)


def _trigger_problems(trigger: Trigger, module: RecordModule | None) -> Iterator[Problem]:
    known = MODULES_BY_NAME.get(trigger.module)
    if known is None:
        names = ", ".join(module.name for module in MODULES)
        yield Problem("/trigger/module", f"{trigger.module!r} is not a module; there are {names}")
        return
    event = EVENTS.get((trigger.module, trigger.event))
    if event is None:
        names = ", ".join(event.name for event in known.events)
        yield Problem(
            "/trigger/event", f"{trigger.event!r} is not an event of {known.name}; there are {names}"
        )
        return
    if trigger.fields is not None and not event.narrows_by_fields:
        yield Problem("/trigger/fields", f"is only for the event updated, not for {event.name}")
    for name in ("from", "to"):
        stages = trigger.from_ if name == "from" else trigger.to
        if stages is not None and not event.narrows_by_stage:
            yield Problem(f"/trigger/{name}", f"is only for the event stage_changed, not for {event.name}")
        elif stages is not None:
            yield from _stage_problems(f"/trigger/{name}", stages, module)
    for index, field in enumerate(trigger.fields or ()):
        yield from _field_problems(f"/trigger/fields/{index}", field, module)


def _stage_problems(pointer: str, stages: tuple[str, ...], module: RecordModule | None) -> Iterator[Problem]:
    if module is None or not module.stages:
        return
    known = {text_key(stage) for stage in module.stages}
    for stage in stages:
        if text_key(stage) not in known:
            yield Problem(
                pointer, f"{stage!r} is not a stage of {module.name}; there are {', '.join(module.stages)}"
            )


def _field_problems(pointer: str, field: str, module: RecordModule | None) -> Iterator[Problem]:
    try:
        path = parse_path(field)
    except RulesError as error:
        yield Problem(pointer, str(error))
        return
    if module is not None and not module.knows(path):
        yield Problem(pointer, f"{module.name} has no field {field!r} in the CRM's catalog", "warning")
