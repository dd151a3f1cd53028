"""What somebody sends becomes a workflow document that is right, or a 422 that points at the places."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox_contracts.definitions.document import Problem, WorkflowDefinition
from signalbox_contracts.definitions.ids import assign_action_ids
from signalbox_rules.record_catalog import Catalog
from signalbox_rules.validation import validate_document
from signalbox_runtime.http.problems import Problem as HttpProblem
from signalbox_runtime.http.problems import ProblemPlace, invalid
from workflow_api.domain.documents import unstorable_texts
from workflow_api.texts import ONE_LINE, is_one_line


def invalid_workflow(problems: Iterable[Problem], prefix: str = "") -> HttpProblem:
    """422 for a workflow document; `prefix` is where in the body it stands."""
    places = [
        ProblemPlace(pointer=prefix + problem.pointer, detail=problem.detail)
        for problem in problems
        if problem.severity == "error"
    ]
    first = places[0]
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    return invalid(
        "invalid-workflow",
        f"Not a usable workflow: {first.pointer or 'the document'} {first.detail}{more}. Nothing changed.",
        places,
    )


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A document that is right: as it is kept, and what it means."""

    document: dict[str, Any]
    definition: WorkflowDefinition


def check_document(body: Any, catalog: Catalog | None, prefix: str = "") -> CheckedDocument:
    """`body` with action ids written in. Raises a 422 problem."""
    unstorable = unstorable_texts(body)
    if unstorable:
        raise invalid_workflow(unstorable, prefix)
    document = assign_action_ids(body)
    definition, problems = validate_document(document, catalog)
    if definition is not None and not is_one_line(definition.name):
        problems = [Problem("/name", ONE_LINE), *problems]
    if definition is None or any(problem.severity == "error" for problem in problems):
        raise invalid_workflow(problems, prefix)
    assert isinstance(document, Mapping)
    return CheckedDocument(dict(document), definition)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A document as far as its author has got, and what is to be done before it can be published."""

    document: dict[str, Any]
    problems: list[Problem]


def check_sketch(body: Any, catalog: Catalog | None) -> Sketch:
    """Any JSON object, kept as it is but for action ids. Raises a 422 problem for what can't be stored."""
    if not isinstance(body, Mapping):
        raise invalid_workflow([Problem("", "must be an object: a workflow, as far as it is written")])
    unstorable = unstorable_texts(body)
    name = body.get("name")
    if isinstance(name, str) and name and not is_one_line(name):
        unstorable = [Problem("/name", ONE_LINE), *unstorable]
    if unstorable:
        raise invalid_workflow(unstorable)
    document: Any = assign_action_ids(body) if isinstance(body.get("actions"), list) else body
    return Sketch(dict(document), problems_of(document, catalog))


def is_unfinished(body: Any) -> bool:
    """Whether somebody has only begun: a workflow without a trigger or without actions."""
    return isinstance(body, Mapping) and not ("trigger" in body and "actions" in body)


def problems_of(document: Mapping[str, Any], catalog: Catalog | None) -> list[Problem]:
    """What keeps the document from being published, and what its author should look at again."""
    return list(validate_document(document, catalog)[1])


def warnings_of(document: Mapping[str, Any], catalog: Catalog | None) -> list[Problem]:
    """What its author might want to know of a document that is right: fields the CRM does not list, say."""
    _, problems = validate_document(document, catalog)
    return [problem for problem in problems if problem.severity == "warning"]
