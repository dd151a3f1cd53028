"""Avro single-object encoding: `C3 01`, an 8-byte fingerprint, the body.

>>> from signalbox_contracts.messages import OutboxPosition
>>> data = encode(OutboxPosition(relay="run-ledger", generation="g1", last_id=7))
>>> decode(data, OutboxPosition).last_id
7
"""

from functools import cache
from typing import TypeVar

import msgspec

from signalbox_contracts import messages, topics
from signalbox_contracts.avro_bodies import BROKEN, Read, Write, reader_of, writer_of
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import Message
from signalbox_contracts.schemas import SINGLE_OBJECT_MARKER, MessageSchema, all_schemas

HEADER_BYTES = 10
M = TypeVar("M", bound=Message)

_CLASSES: dict[str, type[msgspec.Struct]] = {
    name: value
    for name, value in vars(messages).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
}
_BY_HEADER: dict[bytes, MessageSchema] = {schema.header: schema for schema in all_schemas()}


def encode(message: Message) -> bytes:
    """The wire form of `message`, in the version that `schemas/topics/*.yaml` says to write."""
    header, write = _writer(type(message))
    return write(message, header)


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
    if type(data) is not bytes:
        data = bytes(data)  # a database driver may hand over a view of its buffer
    header = data[:HEADER_BYTES]
    if header not in _BY_HEADER:
        raise UndecodableMessage(_why_unknown(data))
    message: Message
    try:
        message, end = _reader(header)(data, HEADER_BYTES)
    except BROKEN as error:
        raise UndecodableMessage(_why_broken(data, error)) from error
    if end != len(data):
        if end > len(data):
            raise UndecodableMessage(_why_broken(data, "it is cut short"))
        raise UndecodableMessage(f"{len(data) - end} bytes follow the end of the {type(message).__name__}.")
    return message


def is_single_object(data: bytes) -> bool:
    """Whether `data` begins like Avro single-object encoding."""
    return data[:2] == SINGLE_OBJECT_MARKER


@cache
def _writer(message_class: type[Message]) -> tuple[bytes, Write]:
    name = message_class.__name__
    version = topics.write_version(name)
    schema = next(one for one in all_schemas() if (one.message, one.version) == (name, version))
    return schema.header, writer_of(schema.parsed)


@cache
def _reader(header: bytes) -> Read:
    return reader_of(_BY_HEADER[header].parsed, _CLASSES)


def _why_broken(data: bytes, why: object) -> str:
    schema = _BY_HEADER[data[:HEADER_BYTES]]
    return f"The body is not a {schema.message} version {schema.version}: {why}"


def _why_unknown(data: bytes) -> str:
    if not is_single_object(data):
        begins = data[:2].hex() or "nothing"
        return f"It begins with {begins}, not with c301, the mark of Avro single-object encoding."
    fingerprint = data[2:HEADER_BYTES].hex()
    return (
        f"No schema in schemas/messages has the fingerprint {fingerprint}: was it written by a newer release?"
    )
