"""Binary COPY, byte by byte as PostgreSQL's documentation has it."""

import struct

import pytest

from run_ledger.adapters.projection.copy_format import CopyFormat

RUN = "0199c2f4-1a2b-8c3d-9e4f-0123456789ab"


def test_a_row_of_every_type() -> None:
    types = ("text", "uuid", "smallint", "integer", "bigint", "boolean", "bytea", "text")
    content = CopyFormat().packed(types, [("é", RUN, 1, -2, 2**40, True, b"\x00\xff", None)])
    assert content == (
        b"PGCOPY\n\xff\r\n\x00" + bytes(8)
        + b"\x00\x08"
        + b"\x00\x00\x00\x02\xc3\xa9"
        + b"\x00\x00\x00\x10" + bytes.fromhex(RUN.replace("-", ""))
        + b"\x00\x00\x00\x02\x00\x01"
        + b"\x00\x00\x00\x04\xff\xff\xff\xfe"
        + b"\x00\x00\x00\x08\x00\x00\x01\x00\x00\x00\x00\x00"
        + b"\x00\x00\x00\x01\x01"
        + b"\x00\x00\x00\x02\x00\xff"
        + b"\xff\xff\xff\xff"
        + b"\xff\xff"
    )  # fmt: skip


def test_equal_values_of_different_types_are_kept_apart() -> None:
    content = CopyFormat().packed(("boolean", "integer", "smallint"), [(True, 1, 1)])
    assert content[21:-2] == (
        b"\x00\x00\x00\x01\x01" + b"\x00\x00\x00\x04\x00\x00\x00\x01" + b"\x00\x00\x00\x02\x00\x01"
    )


def test_text_without_nul_and_nothing_without_rows() -> None:
    assert b"a\xef\xbf\xbdb" in CopyFormat().packed(("text",), [("a\x00b",)])
    assert CopyFormat().packed(("text",), []) == b""


def test_a_number_too_large_is_refused() -> None:
    with pytest.raises(struct.error):
        CopyFormat().packed(("integer",), [(2**31,)])
