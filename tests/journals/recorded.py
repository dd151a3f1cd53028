"""A journal kept as a file: one fact a line, as JSON that a person can review.

Bytes are written as `{"message": …}` where they are one of our messages, `{"utf8": …}` where they are text,
else `{"base64": …}`; reading them gives the same bytes again.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from signalbox_contracts import codec, messages

DEMO = Path(__file__).parent / "demo.jsonl"
_CLASSES = {message.__name__: message for message in messages.MESSAGES}


class Recorded(NamedTuple):
    """One record of the journal, in the order of its partition."""

    partition: int
    key: str
    value: bytes


def read(path: Path) -> list[Recorded]:
    """The journal in the file."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [Recorded(line["partition"], line["key"], _bytes(line["fact"])) for line in lines]


def write(path: Path, journal: Iterable[Recorded]) -> None:
    """Writes a journal that `read` gives back byte for byte. Raises AssertionError where it would not."""
    lines = []
    for record in journal:
        fact = _readable(record.value)
        assert _bytes(fact) == record.value, f"written by another release: {fact}"
        line = {"partition": record.partition, "key": record.key, "fact": fact}
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


def _readable(content: Any) -> Any:
    match content:
        case bytes() if codec.is_single_object(content):
            message = codec.decode_any(content)
            fields = msgspec.to_builtins(message, builtin_types=(bytes,))
            return {"message": {"": type(message).__name__, **_readable(fields)}}
        case bytes():
            try:
                return {"utf8": content.decode()}
            except UnicodeDecodeError:
                return {"base64": base64.b64encode(content).decode()}
        case dict():
            return {name: _readable(value) for name, value in content.items()}
        case list() | tuple():
            return [_readable(value) for value in content]
        case _:
            return content


def _bytes(written: Any) -> Any:
    match written:
        case {"message": {"": str(name), **fields}}:
            return codec.encode(msgspec.convert(_bytes(fields), _CLASSES[name]))
        case {"utf8": str(text)}:
            return text.encode()
        case {"base64": str(text)}:
            return base64.b64decode(text)
        case dict():
            return {name: _bytes(value) for name, value in written.items()}
        case list():
            return [_bytes(value) for value in written]
        case _:
            return written
