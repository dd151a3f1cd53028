"""Loads `schemas/messages/*.avsc`: one file per message and version, never edited once released.

A schema is known on the wire by its fingerprint (CRC-64-AVRO of the parsing canonical form, Avro
specification 1.12, "Single-object encoding"), so readers need no registry.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

SINGLE_OBJECT_MARKER = b"\xc3\x01"


@dataclass(frozen=True, slots=True)
class MessageSchema:
    """One message in one version."""

    message: str
    version: int
    header: bytes
    """The ten bytes a message of this schema begins with: marker, then fingerprint, little-endian."""
    parsed: Any
    """For fastavro. Logical types are left out: times stay integers of milliseconds in code, and the
    wire form is the same."""


def schemas_directory() -> Path:
    """Where `schemas/` lies: beside this package when installed, else in the checkout."""
    installed = Path(__file__).parent / "schemas"
    return installed if installed.is_dir() else Path(__file__).parents[4] / "schemas"


@cache
def all_schemas() -> tuple[MessageSchema, ...]:
    """Every message schema, by message name and version."""
    paths = sorted((schemas_directory() / "messages").glob("*.avsc"))
    return tuple(_load(path) for path in paths)


def _load(path: Path) -> MessageSchema:
    message, version = path.name.removesuffix(".avsc").rsplit(".v", 1)
    schema = _without_logical_types(json.loads(path.read_text(encoding="utf-8")))
    digest = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    parsed = fastavro.parse_schema(schema)
    return MessageSchema(message, int(version), SINGLE_OBJECT_MARKER + digest, parsed)


def _without_logical_types(schema: Any) -> Any:
    match schema:
        case dict():
            return {
                key: _without_logical_types(value) for key, value in schema.items() if key != "logicalType"
            }
        case list():
            return [_without_logical_types(item) for item in schema]
        case _:
            return schema
