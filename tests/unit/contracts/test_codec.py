"""What the codec says about bytes it can't read."""

import pytest

from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import CrmEvent, OutboxPosition

POSITION = OutboxPosition(relay="run-ledger", generation="g1", last_id=7)


def test_the_wire_form_is_marker_fingerprint_and_body() -> None:
    data = codec.encode(POSITION)

    assert data[:2] == b"\xc3\x01"
    # A string is its length (zig-zag) and its bytes, a long is zig-zag.
    assert data[codec.HEADER_BYTES :] == b"\x14run-ledger\x04g1\x0e"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "begins with nothing"),
        (b"{}", "begins with 7b7d"),
        (b"\xc3\x01" + b"\0" * 8 + b"x", "fingerprint 0000000000000000"),
        (b"\xc3\x01\x07", "fingerprint 07"),
        (codec.encode(POSITION)[:-1], "not a OutboxPosition version 1"),
        (codec.encode(POSITION) + b"ab", "2 bytes follow the end of the OutboxPosition"),
    ],
)
def test_bytes_that_are_no_message_are_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(UndecodableMessage, match=says):
        codec.decode_any(data)


def test_a_message_of_another_type_is_refused() -> None:
    with pytest.raises(UndecodableMessage, match=r"This is a OutboxPosition, where a CrmEvent belongs\."):
        codec.decode(codec.encode(POSITION), CrmEvent)


def test_the_marker_tells_avro_from_json() -> None:
    assert codec.is_single_object(codec.encode(POSITION))
    assert not codec.is_single_object(b'{"specversion":"1.0"}')
    assert not codec.is_single_object(b"")
