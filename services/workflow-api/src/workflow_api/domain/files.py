"""Workflows as files: what an export says, and what an import would change. Pure; YAML in a stable order.

    format: 1
    email_templates: [{name, subject, text, html}]
    workflows: [{id, status, …the workflow document…}]

`status` is active, paused or draft (never published). An entry without an id stands for the one workflow of
its name, or for a new one; without a status it leaves the status as it is.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import yaml

from signalbox_contracts.definitions.document import parse_definition, to_document
from workflow_api.domain.mail_templates import MailTemplate
from workflow_api.domain.workflow import Document, Workflow

FORMAT: Final = 1
WORKFLOWS_MAX: Final = 10_000
FileStatus = Literal["active", "paused", "draft"]
Step = Literal["create", "change-draft", "publish", "activate", "pause"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow of a file, checked."""

    place: str
    """JSON pointer of the entry in the import."""
    id: str | None
    status: FileStatus | None
    document: Document


@dataclass(frozen=True, slots=True)
class Known:
    """A workflow as it is: its row, and the document of its version."""

    workflow: Workflow
    published: Document | None


@dataclass(frozen=True, slots=True)
class Planned:
    """What an import does to one workflow. No steps: it is as the file says."""

    id: str | None
    name: str
    steps: tuple[Step, ...]
    diff: str
    warnings: tuple[str, ...]
    document: Document


@dataclass(frozen=True, slots=True)
class PlannedTemplate:
    """What an import does to one mail template."""

    template: MailTemplate
    action: Literal["create", "change", "none"]
    diff: str


def plan_workflow(entry: Entry, known: Known | None) -> Planned:
    """The steps from `known` to what `entry` says."""
    document, name = entry.document, entry.document["name"]
    if known is None:
        return Planned(entry.id, name, _creation(entry.status), _diff("", as_yaml(document)), (), document)
    workflow = known.workflow
    steps: list[Step] = []
    warnings: list[str] = []
    present = known.published or workflow.draft
    assert present is not None, "a workflow has a version or a draft"
    differs = canonical(present) != canonical(document)
    publishes = entry.status in {"active", "paused"} if known.published is None else True
    if differs:
        steps.append("change-draft")
        if known.published is not None and workflow.draft is not None:
            warnings.append("a draft that was not published is replaced")
    if publishes and (differs or known.published is None):
        steps.append("publish")
    if entry.status == "active" and workflow.status != "active":
        steps.append("activate")
    elif entry.status in {"paused", "draft"} and workflow.status == "active":
        steps.append("pause")
    diff = _diff(as_yaml(canonical(present)), as_yaml(canonical(document))) if differs else ""
    return Planned(workflow.id, name, tuple(steps), diff, tuple(warnings), document)


def _creation(status: FileStatus | None) -> tuple[Step, ...]:
    match status:
        case "active":
            return ("create", "publish", "activate")
        case "paused":
            return ("create", "publish")
        case "draft" | None:
            return ("create",)


def plan_template(wanted: MailTemplate, known: MailTemplate | None) -> PlannedTemplate:
    """What has to be done for `wanted`."""
    if known == wanted:
        return PlannedTemplate(wanted, "none", "")
    before = "" if known is None else as_yaml(template_entry(known))
    action: Literal["create", "change"] = "create" if known is None else "change"
    return PlannedTemplate(wanted, action, _diff(before, as_yaml(template_entry(wanted))))


def workflow_entry(known: Known) -> dict[str, Any]:
    """A workflow as a file has it: what is published, or a draft that never was."""
    document = known.published or known.workflow.draft
    assert document is not None, "a workflow has a version or a draft"
    status = known.workflow.status if known.published is not None else "draft"
    return {"id": known.workflow.id, "status": status, **canonical(document)}


def template_entry(template: MailTemplate) -> dict[str, Any]:
    """A mail template as a file has it."""
    fields = {
        "name": template.name,
        "subject": template.subject,
        "text": template.text,
        "html": template.html,
    }
    return {key: value for key, value in fields.items() if value is not None}


def canonical(document: Document) -> dict[str, Any]:
    """The document with its keys in the format's order and defaults left out: equal ones mean the same."""
    return dict(to_document(parse_definition(document)))


def export(workflows: Sequence[Known], templates: Sequence[MailTemplate]) -> str:
    """Everything as one YAML document, by name, then id."""
    by_name = sorted(workflows, key=lambda known: (known.workflow.name.casefold(), known.workflow.id))
    return as_yaml(
        {
            "format": FORMAT,
            "email_templates": [
                template_entry(template) for template in sorted(templates, key=lambda each: each.name)
            ],
            "workflows": [workflow_entry(known) for known in by_name],
        }
    )


class _Dumper(yaml.CSafeDumper):
    """Long texts as blocks, so that a diff of them has lines."""


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value and not any(line != line.rstrip() for line in value.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _tuple(dumper: _Dumper, value: tuple[Any, ...]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", list(value))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(tuple, _tuple)


def as_yaml(value: Mapping[str, Any]) -> str:
    """YAML in the order of the keys."""
    dumped: str = yaml.dump(
        dict(value), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return dumped


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "now", "then", lineterm="", n=3)
    return "\n".join(lines)
