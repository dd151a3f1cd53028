"""The catalog that API and console read: triggers, operators, actions and template words, from the
registries.
"""

import json
from pathlib import Path
from typing import Any

from signalbox_contracts.definitions.document import WorkflowDefinition
from signalbox_rules.actions.registry import ACTIONS
from signalbox_rules.filters.registry import FILTERS
from signalbox_rules.modules.registry import MODULES
from signalbox_rules.operators.operator import EVERY, Operator, Takes
from signalbox_rules.operators.registry import OPERATORS
from signalbox_rules.record_catalog import Catalog
from signalbox_rules.variables import VARIABLES
from signalbox_rules.workflow_schema import workflow_schema

Document = dict[str, Any]


def served_catalog(catalog: Catalog | None) -> Document:
    """All a builder needs: what Signalbox knows, and what the tenant's CRM published of itself."""
    modules = catalog.modules.values() if catalog is not None else ()
    users = catalog.users.values() if catalog is not None else ()
    return {
        "triggers": triggers(),
        "operators": operators(),
        "field_types": field_types(),
        "actions": actions(),
        "templates": template_words(),
        "modules": [
            {
                "module": module.name,
                "fields": [
                    {
                        "name": field.name,
                        "label": field.label,
                        "type": field.type,
                        "options": list(field.options),
                    }
                    for field in module.fields.values()
                ],
                "stages": list(module.stages),
            }
            for module in modules
        ],
        "users": [{"id": user.id, "name": user.name, "email": user.email} for user in users],
    }


def triggers() -> list[Document]:
    """Modules with their events, and how a trigger on each may be narrowed."""
    return [
        {
            "module": module.name,
            "label": module.label,
            "events": [
                {
                    "event": event.name,
                    "label": f"{module.label} {event.label}",
                    "implies": list(event.implies),
                    "narrow": [
                        *(["fields"] if event.narrows_by_fields else []),
                        *(["from", "to"] if event.narrows_by_stage else []),
                    ],
                }
                for event in module.events
            ],
        }
        for module in MODULES
    ]


def operators() -> list[Document]:
    """Operators with what they take and the types of fields they fit."""
    return [
        {
            "op": operator.name,
            "label": operator.label,
            "takes": operator.takes.name.lower(),
            "takes_description": operator.takes.value,
            "field_types": sorted(operator.fits),
            "accepts_field": _accepts_field(operator),
            "example": operator.example,
        }
        for operator in OPERATORS
    ]


def _accepts_field(operator: Operator) -> bool:
    return operator.accepts_field and operator.takes is not Takes.NOTHING


def field_types() -> Document:
    """The operators of each type of field, in the order they are offered."""
    return {
        field_type: [operator.name for operator in OPERATORS if field_type in operator.fits]
        for field_type in sorted(EVERY)
    }


def actions() -> list[Document]:
    """Actions with the JSON Schema of their parameters."""
    return [
        {
            "type": action.type,
            "label": action.label,
            "description": action.description,
            "topic": action.topic,
            "timeout_seconds": action.timeout_seconds,
            "timeout_seconds_max": action.timeout_seconds_max,
            "parameters": action.parameters.model_json_schema(by_alias=True),
            "example": dict(action.example),
        }
        for action in ACTIONS
    ]


def template_words() -> Document:
    """Variables and filters of templates."""
    return {
        "variables": {
            name: list(inside) if inside is not None else None for name, inside in VARIABLES.items()
        },
        "filters": [
            {"name": entry.name, "label": entry.label, "example": entry.example} for entry in FILTERS
        ],
    }


def documents() -> dict[str, Any]:
    """File name → content of everything that is generated into `schemas/catalog`."""
    return {
        "triggers.json": triggers(),
        "operators.json": operators(),
        "field-types.json": field_types(),
        "actions.json": actions(),
        "templates.json": template_words(),
        "workflow.schema.json": workflow_schema(WorkflowDefinition),
    }


def write(directory: Path) -> None:
    """Write the generated documents; other files of the directory stay."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        (directory / name).write_text(written(content), encoding="utf-8")


def written(content: Any) -> str:
    """A generated document as it is checked in."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
