"""Reads a body, JSON or YAML, into plain values; refuses what the two do not share.

YAML is read as JSON's data model: no aliases (so nothing can refer to itself or grow), no tags, no dates that
turn into something else, `on` and `yes` stay texts, a key is a text and comes once.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from signalbox_contracts.definitions.document import Problem
from workflow_api.errors import UnreadableDocument

NESTING_MAX: Final = 200
"""Far more than a definition may have; it keeps the readers themselves from running out of stack."""
DIGITS_MAX: Final = 400
"""Longest number read; Python's own limit is 4,300 digits, and raises."""

JsonValue = Any


def read_json(data: bytes) -> JsonValue:
    """The value of a JSON text in UTF-8. Raises UnreadableDocument."""
    text = _decoded(data)
    _check_nesting(text)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise UnreadableDocument(
            f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None


def read_yaml(data: bytes) -> JsonValue:
    """The value of one YAML document in UTF-8. Raises UnreadableDocument."""
    text = _decoded(data)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise UnreadableDocument(f"The body is not YAML: {place}{error.problem}.") from None
    except yaml.YAMLError as error:
        raise UnreadableDocument(f"The body is not YAML: {error}.") from None
    return builder.document


def unstorable_texts(value: JsonValue) -> list[Problem]:
    """Where `value` holds texts that PostgreSQL can't keep: U+0000 and lone surrogates."""
    return [
        Problem(pointer, "has a character that can't be kept (U+0000 or half a surrogate pair)")
        for pointer, text in _texts(value)
        if "\0" in text or _LONE_SURROGATE.search(text)
    ]


def _texts(value: JsonValue) -> Iterator[tuple[str, str]]:
    """Every text in `value`, keys included, with its place."""
    pending: list[tuple[str, JsonValue]] = [("", value)]
    while pending:
        pointer, current = pending.pop()
        match current:
            case str():
                yield pointer, current
            case dict():
                for key, member in current.items():
                    yield pointer, key
                    pending.append((f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", member))
            case list():
                pending.extend((f"{pointer}/{index}", member) for index, member in enumerate(current))
            case _:
                pass


_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"The body is not UTF-8: byte {error.start} can't be read.") from None


_BRACKET_OR_STRING: Final = re.compile(r'[\[{]|[\]}]|"(?:[^"\\]|\\.)*+"?', re.DOTALL)


def _check_nesting(text: str) -> None:
    """The reader recurses, in C; so the depth is counted first."""
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        match found.group()[0]:
            case "[" | "{":
                depth += 1
                if depth > NESTING_MAX:
                    raise _too_deep()
            case "]" | "}":
                depth -= 1
            case _:
                pass


def _too_deep() -> UnreadableDocument:
    return UnreadableDocument(f"The body is nested deeper than {NESTING_MAX} levels.")


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UnreadableDocument(f"An object has the key {twice!r} twice; give it once.")
    return members


def _no_constant(name: str) -> JsonValue:
    raise UnreadableDocument(f"The body has {name}, which is no JSON number.")


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise UnreadableDocument(f"A number has {len(digits)} digits; at most {DIGITS_MAX} are read.")
    return int(digits)


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; `key` is the one that waits for its value."""

    value: dict[str, JsonValue] | list[JsonValue]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Makes a value of YAML's events, without recursion."""

    document: JsonValue = None
    _documents: int = 0
    _open: list[_Open] = field(default_factory=list)

    def take(self, event: Any) -> None:
        """The next event. Raises UnreadableDocument for what JSON does not have."""
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _refused(event, "a second document begins; send one")
            case yaml.AliasEvent():
                raise _refused(event, "an alias (*) is used; write the value out")
            case yaml.ScalarEvent():
                self._check_tag(event)
                self._add(event, _scalar(event))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._check_tag(event)
                collection: dict[str, JsonValue] | list[JsonValue]
                collection = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._add(event, collection)
                self._open.append(_Open(collection))
                if len(self._open) > NESTING_MAX:
                    raise _too_deep()
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()
            case _:
                pass

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            raise _refused(event, f"the tag {event.tag} is used; write plain values")

    def _add(self, event: Any, value: JsonValue) -> None:
        if not self._open:
            self.document = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is None:
            if not isinstance(value, str):
                raise _refused(event, f"the key {value!r} is not a text; put it in quotes")
            if value in parent.value:
                raise _refused(event, f"the key {value!r} comes twice; give it once")
            parent.key = value
        else:
            parent.value[parent.key] = value
            parent.key = None


def _refused(event: Any, what: str) -> UnreadableDocument:
    mark = event.start_mark
    return UnreadableDocument(
        f"The body is not usable YAML: line {mark.line + 1}, column {mark.column + 1}: {what}."
    )


_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, JsonValue]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
"""YAML 1.2's core schema."""


def _scalar(event: Any) -> JsonValue:
    text: str = event.value
    if event.style:  # quoted or a block: a text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
