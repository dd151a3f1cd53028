"""Laws of the codec: it gives back what it was given, and it is total over bytes."""

from io import BytesIO

import fastavro
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import Message
from signalbox_contracts.schemas import all_schemas
from tests.property.contracts.strategies import MESSAGE

SCHEMAS = {schema.message: schema for schema in all_schemas()}
HEADERS = st.sampled_from([schema.header for schema in all_schemas()])
FEW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decodes_or_says_why(data: bytes) -> None:
    try:
        message = codec.decode_any(data)
    except UndecodableMessage:
        return
    # Compared on the wire: a damaged float may be NaN, which equals nothing.
    again = codec.decode_any(codec.encode(message))
    assert codec.encode(again) == codec.encode(message)


@FEW
@given(MESSAGE)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert codec.decode_any(codec.encode(message)) == message


def by_fastavro(message: Message) -> bytes:
    schema = SCHEMAS[type(message).__name__]
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, schema.parsed, msgspec.to_builtins(message, builtin_types=(bytes,)))
    return schema.header + buffer.getvalue()


@FEW
@given(MESSAGE)
def test_what_is_written_is_what_fastavro_writes(message: Message) -> None:
    assert codec.encode(message) == by_fastavro(message)


@FEW
@given(HEADERS, st.binary(max_size=200))
def test_what_is_read_is_what_fastavro_reads(header: bytes, body: bytes) -> None:
    try:
        message = codec.decode_any(header + body)
    except UndecodableMessage:
        return
    schema = SCHEMAS[type(message).__name__]
    fields = fastavro.schemaless_reader(BytesIO(body), schema.parsed, None)
    read = msgspec.convert(fields, type(message))
    assert codec.encode(read) == codec.encode(message)


@FEW
@given(st.binary(max_size=200))
def test_arbitrary_bytes_decode_or_are_undecodable(data: bytes) -> None:
    decodes_or_says_why(data)


@FEW
@given(HEADERS, st.binary(max_size=200))
def test_a_known_header_before_arbitrary_bytes_decodes_or_is_undecodable(header: bytes, body: bytes) -> None:
    decodes_or_says_why(header + body)


@FEW
@given(MESSAGE, st.data())
def test_a_damaged_message_decodes_or_is_undecodable(message: Message, data: st.DataObject) -> None:
    wire = bytearray(codec.encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    decodes_or_says_why(bytes(wire))


@FEW
@given(MESSAGE, st.data())
def test_a_message_cut_short_or_with_bytes_to_spare_is_undecodable(
    message: Message, data: st.DataObject
) -> None:
    wire = codec.encode(message)
    cut = wire[: data.draw(st.integers(0, len(wire) - 1))]
    for broken in (cut, wire + data.draw(st.binary(min_size=1, max_size=5))):
        try:
            codec.decode_any(broken)
        except UndecodableMessage:
            continue
        raise AssertionError(f"{broken!r} was decoded")
