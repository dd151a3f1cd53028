"""What is wrong with an action: its type, its parameters, its templates, and what they name in the CRM."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from signalbox_contracts.definition_durations import parse_duration
from signalbox_contracts.definition_problems import located_details
from signalbox_contracts.definitions import ActionDefinition, Problem
from signalbox_rules.actions.action import Action, Parameters
from signalbox_rules.actions.assign_owner import AssignOwner
from signalbox_rules.actions.change_field import ChangeField
from signalbox_rules.actions.create_task import CreateTask
from signalbox_rules.actions.move_stage import NEXT, MoveStage
from signalbox_rules.actions.parameter_templates import templates_of
from signalbox_rules.actions.registry import ACTIONS, ACTIONS_BY_TYPE
from signalbox_rules.actions.rendering import is_address
from signalbox_rules.actions.send_email import SendEmail
from signalbox_rules.actions.send_notification import SendNotification
from signalbox_rules.errors import RefusedTemplate
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import text_key
from signalbox_rules.record_catalog import RecordModule, User
from signalbox_rules.template_analysis import filter_problems, used_variables
from signalbox_rules.templates import compile_template
from signalbox_rules.variables import variable_problem


def action_problems(
    action: ActionDefinition,
    pointer: str,
    earlier_ids: Sequence[str],
    module: RecordModule | None,
    users: Mapping[str, User],
) -> list[Problem]:
    """All of them, with pointers from the root of the document."""
    description = ACTIONS_BY_TYPE.get(action.type)
    if description is None:
        known = ", ".join(other.type for other in ACTIONS)
        return [Problem(f"{pointer}/type", f"{action.type!r} is not an action; there are {known}")]
    problems = list(_timeout_problems(action, description, pointer))
    try:
        parameters = description.parameters.model_validate(action.with_)
    except ValidationError as error:
        keys = ", ".join(description.parameters.model_fields)
        located = located_details(error, (("", keys),))
        problems.extend(Problem(f"{pointer}/with{place}", detail) for place, detail in located)
        return problems
    problems.extend(template_problems(parameters, f"{pointer}/with", earlier_ids, module))
    problems.extend(_reference_problems(parameters, f"{pointer}/with", module, users))
    return problems


def _timeout_problems(action: ActionDefinition, description: Action, pointer: str) -> Iterator[Problem]:
    if action.timeout is None:
        return
    seconds = parse_duration(action.timeout).seconds
    if seconds > description.timeout_seconds_max:
        longest = description.timeout_seconds_max
        yield Problem(
            f"{pointer}/timeout", f"is {seconds:g} seconds; at most {longest} are allowed for {action.type}"
        )


def template_problems(
    parameters: Parameters, pointer: str, earlier_ids: Sequence[str], module: RecordModule | None
) -> Iterator[Problem]:
    """What is wrong with the templates of an action's parameters."""
    for found in templates_of(parameters):
        place = f"{pointer}{found.pointer}"
        try:
            compiled = compile_template(found.source, found.channel)
        except RefusedTemplate as error:
            yield Problem(place, f"is no template: {error}")
            continue
        if compiled.template is None:
            if found.channel == "header" and any(character in found.source for character in "\r\n\x00"):
                yield Problem(place, "has a line break in it, which a header cannot have")
            continue
        for line, detail in filter_problems(compiled.template, found.source):
            yield Problem(place, f"line {line}: {detail}")
        for variable in used_variables(compiled.template, found.source):
            unknown = variable_problem(variable.steps, earlier_ids, module)
            if unknown is not None:
                yield Problem(place, f"line {variable.line}: {unknown.detail}", unknown.severity)


def _reference_problems(
    parameters: Parameters, pointer: str, module: RecordModule | None, users: Mapping[str, User]
) -> Iterator[Problem]:
    match parameters:
        case SendEmail(to=to, cc=cc, bcc=bcc):
            for name, recipients in (("to", to), ("cc", cc), ("bcc", bcc)):
                for index, recipient in enumerate(recipients):
                    if (
                        _is_fixed(recipient)
                        and not is_address(recipient)
                        and (users and recipient.strip() not in users)
                    ):
                        detail = f"{recipient!r} is neither a mail address nor the id of a user"
                        yield Problem(f"{pointer}/{name}/{index}", detail)
        case SendNotification(to=to):
            for index, recipient in enumerate(to):
                yield from _user_problems(recipient, f"{pointer}/to/{index}", users)
        case AssignOwner(owner=owner, round_robin=several):
            if owner is not None:
                yield from _user_problems(owner, f"{pointer}/owner", users)
            for index, user_id in enumerate(several or ()):
                yield from _user_problems(user_id, f"{pointer}/round_robin/{index}", users)
        case CreateTask(assignee=assignee, due_field=due_field):
            if assignee is not None:
                yield from _user_problems(assignee, f"{pointer}/assignee", users)
            if due_field is not None:
                yield from _field_problems(due_field, f"{pointer}/due_field", module)
        case ChangeField(field=field, value=value):
            yield from _field_problems(field, f"{pointer}/field", module)
            yield from _option_problems(field, value, f"{pointer}/value", module)
        case MoveStage(stage=stage):
            yield from _stage_problems(stage, f"{pointer}/stage", module)
        case _:
            return


def _is_fixed(source: Any) -> bool:
    return isinstance(source, str) and "{{" not in source and "{%" not in source


def _user_problems(source: str, pointer: str, users: Mapping[str, User]) -> Iterator[Problem]:
    if users and _is_fixed(source) and source.strip() not in users:
        yield Problem(pointer, f"{source!r} is not the id of a user in the CRM's catalog")


def _field_problems(field: str, pointer: str, module: RecordModule | None) -> Iterator[Problem]:
    if module is not None and not module.knows(parse_path(field)):
        yield Problem(pointer, f"{module.name} has no field {field!r} in the CRM's catalog", "warning")


def _option_problems(field: str, value: Any, pointer: str, module: RecordModule | None) -> Iterator[Problem]:
    known = module.field_at(parse_path(field)) if module is not None else None
    if known is None or not known.options or not _is_fixed(value) or not value:
        return
    if text_key(value) not in {text_key(option) for option in known.options}:
        yield Problem(pointer, f"{value!r} is not a value of {field}; there are {', '.join(known.options)}")


def _stage_problems(stage: str, pointer: str, module: RecordModule | None) -> Iterator[Problem]:
    if module is None or not module.stages or not _is_fixed(stage) or stage.strip() == NEXT:
        return
    if text_key(stage) not in {text_key(known) for known in module.stages}:
        yield Problem(
            pointer,
            f'{stage!r} is not a stage of {module.name}; there are {", ".join(module.stages)}, and "next"',
        )
