"""The examples in `schemas/examples/<Message>/v<version>/*.json`: documentation, and what tests read.

An example is the message's fields as JSON. A `bytes` field is written as text, meaning its UTF-8; bytes that
are no text are `{"base64": "…"}`, and a message in a message is `{"example": "CrmEvent/v1/lead-created"}`.
"""

import base64
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from signalbox_contracts import codec
from signalbox_contracts.messages import MESSAGES, Message
from signalbox_contracts.schemas import schemas_directory

_CLASSES = {message.__name__: message for message in MESSAGES}


@dataclass(frozen=True, slots=True)
class Example:
    """One file."""

    name: str
    """Its path below `schemas/examples` without the ending, e.g. `CrmEvent/v1/lead-created`."""
    version: int
    document: dict[str, Any]
    """As written in the file."""
    message: Message


@cache
def all_examples() -> tuple[Example, ...]:
    """Every example, by name."""
    root = schemas_directory() / "examples"
    paths = sorted(root.glob("*/*/*.json"))
    return tuple(example(path.relative_to(root).with_suffix("").as_posix()) for path in paths)


def examples_of(message: str) -> tuple[Example, ...]:
    """The examples of one kind of message."""
    return tuple(each for each in all_examples() if type(each.message).__name__ == message)


@cache
def example(name: str) -> Example:
    """The example of that name. Raises FileNotFoundError, or a msgspec.ValidationError naming the field."""
    message, version, _ = name.split("/")
    document = json.loads((schemas_directory() / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    schema_path = schemas_directory() / "messages" / f"{message}.{version}.avsc"
    fields = _with_bytes(json.loads(schema_path.read_text(encoding="utf-8")), document)
    value = msgspec.convert(fields, _CLASSES[message], builtin_types=(bytes,))
    return Example(name, int(version.removeprefix("v")), document, value)


def _with_bytes(schema: Any, value: Any) -> Any:
    """`value` with its bytes fields as bytes; `schema` is Avro, in which every union is null or one type."""
    match schema:
        case [_, *_]:
            return None if value is None else _with_bytes(schema[-1], value)
        case "bytes":
            return _bytes(value)
        case {"type": "record", "fields": fields}:
            types = {field["name"]: field["type"] for field in fields}
            return {name: _with_bytes(types[name], each) for name, each in value.items()}
        case {"type": "array", "items": items}:
            return [_with_bytes(items, each) for each in value]
        case {"type": "map", "values": values}:
            return {name: _with_bytes(values, each) for name, each in value.items()}
        case _:
            return value


def _bytes(value: Any) -> bytes:
    match value:
        case str():
            return value.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"example": str(name)}:
            return codec.encode(example(name).message)
        case _:
            raise ValueError(f"A bytes field is a text, base64 or an example's name, not {value!r}.")
