"""Mail templates are copied into a version when it is published: later edits of them don't change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signalbox_contracts.definitions.document import Problem
from workflow_api.domain.workflow import Document


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """A named mail; `text` or `html` or both."""

    name: str
    subject: str
    text: str | None
    html: str | None


def named_templates(document: Document) -> dict[str, list[int]]:
    """The templates that a document's mails name, and the indexes of the actions that do."""
    named: dict[str, list[int]] = {}
    for index, action in enumerate(document["actions"]):
        name = action.get("with", {}).get("template") if action["type"] == "send_email" else None
        if name is not None:
            named.setdefault(name, []).append(index)
    return named


def missing_templates(document: Document, templates: Mapping[str, MailTemplate]) -> list[Problem]:
    """A problem for every action that names a template which is not there."""
    return [
        Problem(
            f"/actions/{index}/with/template",
            f"there is no email template {name!r}; make it with POST /v1/email-templates or name another one",
        )
        for name, indexes in named_templates(document).items()
        if name not in templates
        for index in indexes
    ]


def with_templates_copied(document: Document, templates: Mapping[str, MailTemplate]) -> dict[str, Any]:
    """The document with each named template's subject, text and html written into its action.

    What the action gives itself stays as it is. Every named template must be in `templates`.
    """
    actions = list(document["actions"])
    for name, indexes in named_templates(document).items():
        template = templates[name]
        content = {"subject": template.subject, "text": template.text, "html": template.html}
        for index in indexes:
            own = actions[index]["with"]
            copied = {key: value for key, value in content.items() if value is not None and key not in own}
            actions[index] = {**actions[index], "with": {**own, **copied}}
    return {**document, "actions": actions}
