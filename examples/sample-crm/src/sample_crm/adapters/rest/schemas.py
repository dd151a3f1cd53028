"""JSON Schemas of records and bodies for the OpenAPI document, derived from the modules' fields."""

from typing import Any, Final

from sample_crm.domain.modules import MODULES, Field, Module

_TYPES: Final[dict[str, dict[str, Any]]] = {
    "number": {"type": ["number", "null"]},
    "money": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    "object": {"type": ["object", "null"]},
    "list": {"type": ["array", "null"], "items": {}},
}
_TEXT: Final = {"type": ["string", "null"]}
_NOTHING: Final = {"type": "object"}
ACTION_BODIES: Final[dict[str, dict[str, Any]]] = {
    "convert": {
        "type": "object",
        "properties": {
            "account": {
                "type": ["object", "null"],
                "description": 'Fields of the account, or {"id": …} of one',
            },
            "opportunity": {"description": "Fields of the opportunity; false for none"},
        },
    },
    "disqualify": {"type": "object", "properties": {"reason": _TEXT}},
    "close": {
        "type": "object",
        "properties": {
            "outcome": {"enum": ["won", "lost"]},
            "amount": {"type": "number"},
            "reason": {**_TEXT, "description": "Why it was lost"},
        },
        "required": ["outcome"],
    },
    "send": _NOTHING,
    "pay": _NOTHING,
    "complete": _NOTHING,
}


def components() -> dict[str, dict[str, Any]]:
    """The schemas that the calls of records refer to, by name."""
    return {
        name: schema
        for module in MODULES
        for name, schema in (
            (module.name, record_schema(module)),
            (f"{module.name}_new", body_schema(module, creating=True)),
            (f"{module.name}_change", body_schema(module, creating=False)),
        )
    }


def reference(name: str) -> dict[str, Any]:
    """A place where the schema of that name belongs."""
    return {"$ref": f"#/components/schemas/{name}"}


def record_schema(module: Module) -> dict[str, Any]:
    """A record as it is answered and published."""
    return {"type": "object", "properties": {name: _schema(field) for name, field in module.fields.items()}}


def body_schema(module: Module, *, creating: bool) -> dict[str, Any]:
    """What may be sent. On creation an `id` may be chosen."""
    properties = {name: _schema(field) for name, field in module.fields.items() if not field.read_only}
    if creating:
        properties["id"] = {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "Made if left out",
        }
    required = [field.name for field in module.own_fields if field.required and creating]
    body: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return body | ({"required": required} if required else {})


def _schema(field: Field) -> dict[str, Any]:
    schema = {**_TYPES.get(field.type, _TEXT), "title": field.label}
    return schema | ({"enum": [*field.options, None]} if field.options else {})
