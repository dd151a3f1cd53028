"""What is wrong with an action: its type, its parameters, its templates, and what they name in the CRM."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from signalbox_contracts.definitions.document import ActionDefinition, Problem
from signalbox_contracts.definitions.durations import parse_duration
from signalbox_contracts.definitions.problems import located_details
from signalbox_rules.actions.action import Action, Parameters
from signalbox_rules.actions.parameter_templates import templates_of
from signalbox_rules.actions.registry import ACTIONS, ACTIONS_BY_TYPE
from signalbox_rules.errors import RefusedTemplate
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
    problems.extend(
        Problem(f"{pointer}/with{problem.pointer}", problem.detail, problem.severity)
        for problem in description.references(parameters, module, users)
    )
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
        if found.channel == "header" and any(character in found.source for character in "\r\n\x00"):
            yield Problem(place, "has a line break in it, which a header cannot have")
        if compiled.template is None:
            continue
        for line, detail in filter_problems(compiled.template, found.source):
            yield Problem(place, f"line {line}: {detail}")
        for variable in used_variables(compiled.template, found.source):
            unknown = variable_problem(variable.steps, earlier_ids, module)
            if unknown is not None:
                yield Problem(place, f"line {variable.line}: {unknown.detail}", unknown.severity)
