"""What the codec says about bytes it can't read."""

from typing import Any

import pytest

from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import CrmEvent, LateResult, OutboxPosition

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


def test_blocks_may_come_in_several_and_with_their_size() -> None:
    event = CrmEvent(
        tenant_id="acme",
        event_id="e",
        module="leads",
        event="created",
        record_id="r",
        occurred_at_ms=1,
        record=b"{}",
        chain=("a", "b"),
    )
    wire = codec.encode(event)
    chain = b"\x04\x02a\x02b\x00"
    assert chain in wire

    in_two = wire.replace(chain, b"\x01\x04\x02a\x02\x02b\x00")

    assert codec.decode_any(in_two) == event


@pytest.mark.parametrize(
    "number", [0, 63, 64, -64, -65, 8_191, 8_192, 1_795_450_000_000, 2**63 - 1, -(2**63)]
)
def test_every_integer_of_64_bits_comes_back(number: int) -> None:
    position = OutboxPosition(relay="r", generation="g", last_id=number)

    assert codec.decode_any(codec.encode(position)) == position


@pytest.mark.parametrize("body", [b"\xff" * 9 + b"\x02", b"\xff" * 10 + b"\x01"])
def test_an_integer_of_more_bits_is_refused(body: bytes) -> None:
    wire = codec.encode(OutboxPosition(relay="r", generation="g", last_id=0))

    with pytest.raises(UndecodableMessage, match="more than 64 bits"):
        codec.decode_any(wire[:-1] + body)


def test_a_view_of_bytes_reads_like_them() -> None:
    view: Any = memoryview(codec.encode(POSITION))

    assert codec.decode_any(view) == POSITION


def test_a_text_that_is_none_of_those_allowed_is_refused() -> None:
    late = LateResult(
        tenant_id="acme",
        run_id="r",
        at_ms=1,
        command_id="c",
        action_id="a",
        outcome="applied",
        why="repeated",
    )

    with pytest.raises(UndecodableMessage, match="not a LateResult version 1"):
        codec.decode_any(codec.encode(late).replace(b"applied", b"implied"))


def test_the_marker_tells_avro_from_json() -> None:
    assert codec.is_single_object(codec.encode(POSITION))
    assert not codec.is_single_object(b'{"specversion":"1.0"}')
    assert not codec.is_single_object(b"")
