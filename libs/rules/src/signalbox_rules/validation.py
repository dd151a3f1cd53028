"""What is wrong with a workflow's meaning, all of it at once, each with its place and what is allowed
there.
"""

from collections.abc import Iterator, Mapping

from signalbox_contracts.definitions.document import (
    InvalidDefinition,
    Problem,
    Trigger,
    WorkflowDefinition,
    parse_definition,
)
from signalbox_contracts.definitions.parts import well_formed_parts
from signalbox_rules.action_validation import action_problems
from signalbox_rules.actions.references import stage_problems
from signalbox_rules.condition_validation import condition_problems
from signalbox_rules.errors import RulesError
from signalbox_rules.modules.registry import EVENTS, MODULES, MODULES_BY_NAME
from signalbox_rules.paths import parse_path
from signalbox_rules.record_catalog import Catalog, RecordModule, User


def validate(definition: WorkflowDefinition, catalog: Catalog | None) -> list[Problem]:
    """Errors (it cannot be published) and warnings (it can). Without a catalog nothing is said about
    fields.
    """
    module, users = _known(definition.trigger, catalog)
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
    """The same from a document: its definition if its shape is right, and all that is wrong with it.

    Where the shape of one part is wrong, the meaning of the others is looked at all the same.
    """
    try:
        definition = parse_definition(document)
    except InvalidDefinition as error:
        return None, [*error.problems, *_problems_of_parts(document, catalog)]
    return definition, validate(definition, catalog)


def _problems_of_parts(document: object, catalog: Catalog | None) -> Iterator[Problem]:
    """What is wrong with the meaning of those parts of a document that have a shape."""
    parts = well_formed_parts(document)
    module, users = _known(parts.trigger, catalog)
    if parts.trigger is not None:
        yield from _trigger_problems(parts.trigger, module)
    if parts.conditions is not None:
        yield from condition_problems(parts.conditions, module)
    earlier: list[str] = []
    for index, action in parts.actions:
        yield from action_problems(action, f"/actions/{index}", earlier, module, users)
        earlier.append(action.id)


def _known(
    trigger: Trigger | None, catalog: Catalog | None
) -> tuple[RecordModule | None, Mapping[str, User]]:
    if catalog is None or trigger is None:
        return None, {}
    return catalog.modules.get(trigger.module), catalog.users


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
            yield from stage_problems(stages, f"/trigger/{name}", module)
    for index, field in enumerate(trigger.fields or ()):
        yield from _field_problems(f"/trigger/fields/{index}", field, module)


def _field_problems(pointer: str, field: str, module: RecordModule | None) -> Iterator[Problem]:
    try:
        path = parse_path(field)
    except RulesError as error:
        yield Problem(pointer, str(error))
        return
    if module is not None and not module.knows(path):
        yield Problem(pointer, f"{module.name} has no field {field!r} in the CRM's catalog", "warning")
