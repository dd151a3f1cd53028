"""The `.avsc` files, the message classes and the topic declarations agree, and released schemas stay."""

import copy
import json
from io import BytesIO
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import fastavro
import msgspec
import pytest

from signalbox_contracts import codec, topics
from signalbox_contracts.examples import Example, all_examples
from signalbox_contracts.messages import MESSAGES, Message
from signalbox_contracts.schemas import SINGLE_OBJECT_MARKER, MessageSchema, all_schemas, schemas_directory

FINGERPRINTS: dict[str, str] = json.loads(
    (Path(__file__).parent / "fingerprints.json").read_text(encoding="utf-8")
)
SCALARS = {"string": str, "int": int, "long": int, "double": float, "boolean": bool, "bytes": bytes}
SCHEMAS = {(schema.message, schema.version): schema for schema in all_schemas()}
CLASSES = {message.__name__: message for message in MESSAGES}


def source(name: str) -> Any:
    return json.loads((schemas_directory() / "messages" / f"{name}.avsc").read_text(encoding="utf-8"))


def differences(schema: Any, hint: Any, path: str) -> list[str]:
    """Where an Avro type and a Python type do not say the same."""
    if isinstance(schema, list):
        others = [each for each in get_args(hint) if each is not NoneType]
        if get_origin(hint) not in {Union, UnionType} or len(others) == len(get_args(hint)):
            return [f"{path}: null in Avro, not in Python ({hint})"]
        return differences(schema[1], others[0] if len(others) == 1 else Union[tuple(others)], path)  # noqa: UP007
    match schema:
        case {"type": "record", "fields": fields}:
            hints = get_type_hints(hint)
            if [field["name"] for field in fields] != list(hint.__struct_fields__):
                return [f"{path}: Avro has {[f['name'] for f in fields]}, Python {hint.__struct_fields__}"]
            defaults = {field.name: field for field in msgspec.structs.fields(hint)}
            found = []
            for field in fields:
                name = field["name"]
                if "default" in field and defaults[name].required:
                    found.append(f"{path}.{name}: a default in Avro, required in Python")
                found += differences(field["type"], hints[name], f"{path}.{name}")
            return found
        case {"type": "array", "items": items}:
            arguments = get_args(hint)
            if get_origin(hint) is not tuple or arguments[1:] != (...,):
                return [f"{path}: an array in Avro, {hint} in Python"]
            return differences(items, arguments[0], f"{path}[]")
        case {"type": "map", "values": values}:
            return differences(values, get_args(hint)[1], f"{path}{{}}")
        case {"type": str(inner)}:
            return differences(inner, hint, path)
        case str(scalar):
            actual = str if get_origin(hint) is Literal else hint
            return [] if SCALARS[scalar] is actual else [f"{path}: {scalar} in Avro, {hint} in Python"]
        case _:
            return [f"{path}: no rule for {schema}"]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda each: each.__name__)
def test_the_schema_that_is_written_and_the_class_have_the_same_fields(message: type[Message]) -> None:
    name = message.__name__
    schema = source(f"{name}.v{topics.write_version(name)}")

    assert differences(schema, message, name) == []


def test_the_comparison_finds_a_field_that_differs() -> None:
    schema = source("OutboxPosition.v1")
    schema["fields"][2]["type"] = "string"

    assert differences(schema, CLASSES["OutboxPosition"], "it") == [
        "it.last_id: string in Avro, <class 'int'> in Python"
    ]


@pytest.mark.parametrize("schema", all_schemas(), ids=lambda each: f"{each.message}.v{each.version}")
def test_a_field_is_documented(schema: MessageSchema) -> None:
    document = source(f"{schema.message}.v{schema.version}")

    assert document["doc"]
    assert [field["name"] for field in document["fields"] if not field.get("doc")] == []


def test_released_schemas_are_never_edited() -> None:
    """If this fails: leave the released file as it was, and add the next version beside it."""
    now = {f"{each.message}.v{each.version}": each.header[2:].hex() for each in all_schemas()}

    assert now == FINGERPRINTS


@pytest.mark.parametrize("schema", all_schemas(), ids=lambda each: f"{each.message}.v{each.version}")
def test_the_header_is_the_fingerprint_that_the_avro_specification_defines(schema: MessageSchema) -> None:
    canonical = fastavro.schema.to_parsing_canonical_form(schema.parsed)

    assert schema.header == SINGLE_OBJECT_MARKER + crc_64_avro(canonical.encode()).to_bytes(8, "little")


def crc_64_avro(data: bytes) -> int:
    """Rabin fingerprint, by the pseudo-code of Avro 1.12, "Schema Fingerprints"."""
    empty = 0xC15D213AA4D7A795
    table = []
    for index in range(256):
        fingerprint = index
        for _ in range(8):
            fingerprint = (fingerprint >> 1) ^ (empty if fingerprint & 1 else 0)
        table.append(fingerprint)
    fingerprint = empty
    for byte in data:
        fingerprint = (fingerprint >> 8) ^ table[(fingerprint ^ byte) & 0xFF]
    return fingerprint


def readable_as(data: bytes, writer: MessageSchema, reader: MessageSchema) -> Any:
    """The fields as a release sees them that knows `reader` as its newest schema."""
    return fastavro.schemaless_reader(BytesIO(data[codec.HEADER_BYTES :]), writer.parsed, reader.parsed)


@pytest.mark.parametrize("example", all_examples(), ids=lambda each: each.name)
def test_what_is_written_now_is_readable_in_every_version_declared(example: Example) -> None:
    name = type(example.message).__name__
    declared = {
        version
        for topic in topics.all_topics()
        if name in topic.messages
        for version in (*topic.messages[name].readable, topic.messages[name].write_version)
    }
    writer = SCHEMAS[name, topics.write_version(name)]

    for version in declared:
        fields = readable_as(codec.encode(example.message), writer, SCHEMAS[name, version])
        assert set(fields) == {field["name"] for field in SCHEMAS[name, version].parsed["fields"]}


def test_a_version_that_older_readers_cannot_read_is_noticed() -> None:
    old = SCHEMAS["OutboxPosition", 1]
    changed = copy.deepcopy(source("OutboxPosition.v1"))
    changed["fields"] = [field for field in changed["fields"] if field["name"] != "generation"]
    new = MessageSchema("OutboxPosition", 2, b"0" * 10, fastavro.parse_schema(changed))
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, new.parsed, {"relay": "r", "last_id": 1})

    with pytest.raises(fastavro.read.SchemaResolutionError):
        readable_as(new.header + buffer.getvalue(), new, old)
