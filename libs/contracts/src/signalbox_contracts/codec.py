"""Avro single-object encoding: `C3 01`, an 8-byte fingerprint, the body.

>>> from signalbox_contracts.messages import OutboxPosition
>>> data = encode(OutboxPosition(relay="run-ledger", generation="g1", last_id=7))
>>> decode(data, OutboxPosition).last_id
7
"""

from functools import cache
from io import BytesIO
from typing import Any, TypeVar

import fastavro
import msgspec

from signalbox_contracts import messages, topics
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import Message
from signalbox_contracts.schemas import SINGLE_OBJECT_MARKER, MessageSchema, all_schemas

HEADER_BYTES = 10
M = TypeVar("M", bound=Message)

_CLASSES: dict[str, type[Message]] = {message.__name__: message for message in messages.MESSAGES}
_BY_HEADER: dict[bytes, tuple[MessageSchema, type[Message]]] = {
    schema.header: (schema, _CLASSES[schema.message]) for schema in all_schemas()
}


def encode(message: Message) -> bytes:
    """The wire form of `message`, in the version that `schemas/topics/*.yaml` says to write."""
    schema = _written_schema(type(message))
    buffer = BytesIO()
    buffer.write(schema.header)
    fastavro.schemaless_writer(buffer, schema.parsed, msgspec.to_builtins(message, builtin_types=(bytes,)))
    return buffer.getvalue()


def decode(data: bytes, expected: type[M]) -> M:
    """The message in `data`, which must be of type `expected`.

    Raises UndecodableMessage when the bytes are something else, cut short, or have bytes to spare.
    """
    message = decode_any(data)
    if not isinstance(message, expected):
        raise UndecodableMessage(f"This is a {type(message).__name__}, where a {expected.__name__} belongs.")
    return message


def decode_any(data: bytes) -> Message:
    """The message in `data`, of whichever type its fingerprint names. Raises UndecodableMessage."""
    known = _BY_HEADER.get(data[:HEADER_BYTES])
    if known is None:
        raise UndecodableMessage(_why_unknown(data))
    schema, message_class = known
    buffer = BytesIO(data)
    buffer.seek(HEADER_BYTES)
    try:
        fields: Any = fastavro.schemaless_reader(buffer, schema.parsed, None)
        message = msgspec.convert(fields, message_class)
    except (ValueError, EOFError, IndexError, OverflowError, MemoryError, TypeError, KeyError) as error:
        raise UndecodableMessage(
            f"The body is not a {schema.message} version {schema.version}: {error}"
        ) from error
    if buffer.tell() != len(data):
        spare = len(data) - buffer.tell()
        raise UndecodableMessage(f"{spare} bytes follow the end of the {schema.message}.")
    return message


def is_single_object(data: bytes) -> bool:
    """Whether `data` begins like Avro single-object encoding."""
    return data[:2] == SINGLE_OBJECT_MARKER


@cache
def _written_schema(message_class: type[Message]) -> MessageSchema:
    name = message_class.__name__
    version = topics.write_version(name)
    return next(schema for schema in all_schemas() if (schema.message, schema.version) == (name, version))


def _why_unknown(data: bytes) -> str:
    if not is_single_object(data):
        begins = data[:2].hex() or "nothing"
        return f"It begins with {begins}, not with c301, the mark of Avro single-object encoding."
    fingerprint = data[2:HEADER_BYTES].hex()
    return (
        f"No schema in schemas/messages has the fingerprint {fingerprint}: was it written by a newer release?"
    )
