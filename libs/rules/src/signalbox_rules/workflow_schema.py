"""The JSON Schema of a workflow document: its shape from the contracts, its words from the registries."""

from typing import Any

from signalbox_contracts.definitions.document import WorkflowDefinition
from signalbox_rules.actions.registry import ACTIONS
from signalbox_rules.modules.registry import MODULES
from signalbox_rules.operators.registry import OPERATORS


def workflow_schema(model: type[WorkflowDefinition] = WorkflowDefinition) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of what people write; ids of actions may be left out."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    definitions["Comparison"]["properties"]["op"]["enum"] = [operator.name for operator in OPERATORS]
    action = definitions["ActionDefinition"]
    action["required"] = [name for name in action["required"] if name != "id"]
    action["properties"]["type"]["enum"] = [entry.type for entry in ACTIONS]
    action["allOf"] = [
        {
            "if": {"properties": {"type": {"const": entry.type}}},
            "then": {"properties": {"with": {"$ref": f"#/$defs/{entry.type}"}}},
        }
        for entry in ACTIONS
    ]
    for entry in ACTIONS:
        definitions[entry.type] = entry.parameters.model_json_schema(
            by_alias=True, ref_template="#/$defs/{model}"
        )
        definitions.update(definitions[entry.type].pop("$defs", {}))
    definitions["Trigger"]["oneOf"] = [
        {
            "properties": {
                "module": {"const": module.name},
                "event": {"enum": [event.name for event in module.events]},
            }
        }
        for module in MODULES
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Workflow",
        "description": "When this happens to a record, and these conditions hold, do these things in order.",
    }
