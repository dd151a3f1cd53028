"""Rows as bytes of PostgreSQL's binary COPY, made while the batch before is on its way.

Source: PostgreSQL's documentation of COPY, "Binary Format". psycopg writes the same, but only on a connection
that is in a COPY already.

Most values of a batch come more than once: names, times, the id of a run in each of its rows. So each is
packed once, and looked up after that, which costs a fifth.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from operator import call
from typing import Any, Final

_BEGIN: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_LENGTH: Final = struct.Struct(">i").pack
_SMALLINT: Final = struct.Struct(">ih").pack
_INTEGER: Final = struct.Struct(">ii").pack
_BIGINT: Final = struct.Struct(">iq").pack
_UUID_LENGTH: Final = _LENGTH(16)

Packer = Callable[[Any], bytes]


class _Packed(dict[Any, bytes]):
    """Values of one type as COPY takes them, packed when they are met first."""

    def __init__(self, pack: Packer) -> None:
        super().__init__({None: _NULL})
        self._pack = pack

    def __missing__(self, value: Any) -> bytes:
        content = self[value] = self._pack(value)
        return content


def _text(value: str) -> bytes:
    """PostgreSQL's text holds everything but NUL."""
    content = value.replace("\x00", "\ufffd").encode()
    return _LENGTH(len(content)) + content


def _bytea(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH(len(value)) + value


class CopyFormat:
    """Packs the rows of one batch."""

    def __init__(self) -> None:
        self._packers: dict[str, Packer] = {
            "text": _Packed(_text).__getitem__,
            "uuid": _Packed(lambda value: _UUID_LENGTH + bytes.fromhex(value.replace("-", ""))).__getitem__,
            "smallint": _Packed(lambda value: _SMALLINT(2, value)).__getitem__,
            "integer": _Packed(lambda value: _INTEGER(4, value)).__getitem__,
            "bigint": _Packed(lambda value: _BIGINT(8, value)).__getitem__,
            "boolean": _Packed(lambda value: _LENGTH(1) + (b"\x01" if value else b"\x00")).__getitem__,
            "bytea": _bytea,  # content: hardly ever the same twice
        }

    def packed(self, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
        """What COPY takes for `rows`, whose values are of `types` in order; empty where there is no row.

        A uuid is given as its text. Raises struct.error for a number too large for its type.
        """
        packers = [self._packers[name] for name in types]
        begin = struct.pack(">h", len(packers))
        parts: list[bytes] = []
        for row in rows:
            parts.append(begin)
            parts.extend(map(call, packers, row))
        return b"".join((_BEGIN, *parts, _END)) if parts else b""
