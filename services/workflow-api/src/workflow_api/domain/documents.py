"""Reads a body, JSON or YAML, into plain values; refuses what the two do not share.

YAML is read as JSON's data model: no aliases (so nothing can refer to itself or grow), no tags, no dates that
turn into something else, `on` and `yes` stay texts, a key comes once.
"""

import json
import re
from typing import Any, Final

import yaml

from signalbox_contracts.definitions import Problem
from workflow_api.errors import UnreadableDocument

NESTING_MAX: Final = 200
"""Far more than a definition may have; it keeps the readers themselves from running out of stack."""

JsonValue = Any


def read_json(data: bytes) -> JsonValue:
    """The value of a JSON text in UTF-8. Raises UnreadableDocument."""
    try:
        text = data.decode("utf-8")
        _check_nesting(text)
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"The body is not UTF-8: byte {error.start} can't be read.") from None
    except json.JSONDecodeError as error:
        raise UnreadableDocument(
            f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise UnreadableDocument(f"The body is nested deeper than {NESTING_MAX} levels.") from None


def read_yaml(data: bytes) -> JsonValue:
    """The value of one YAML document. Raises UnreadableDocument."""
    try:
        text = data.decode("utf-8")
        _check_nesting(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506, the loader below is a restricted SafeLoader
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"The body is not UTF-8: byte {error.start} can't be read.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UnreadableDocument(f"The body is not usable YAML: {place}{error.problem}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableDocument(f"The body is not usable YAML: {error}.") from None
    except RecursionError:
        raise UnreadableDocument(f"The body is nested deeper than {NESTING_MAX} levels.") from None


def unstorable_texts(value: JsonValue) -> list[Problem]:
    """Where `value` holds texts that PostgreSQL can't keep: U+0000 and lone surrogates."""
    problems: list[Problem] = []
    pending: list[tuple[str, JsonValue]] = [("", value)]
    while pending:
        pointer, current = pending.pop()
        match current:
            case str() if "\0" in current or _LONE_SURROGATE.search(current):
                problems.append(
                    Problem(pointer, "has a character that can't be kept (U+0000 or half a surrogate pair)")
                )
            case dict():
                pending.extend((f"{pointer}/{_escape(key)}", member) for key, member in current.items())
                pending.extend((pointer, key) for key in current if isinstance(key, str))
            case list():
                pending.extend((f"{pointer}/{index}", member) for index, member in enumerate(current))
            case _:
                pass
    return problems


def _escape(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_OPENING: Final = re.compile(r"[\[{]")


def _check_nesting(text: str) -> None:
    """Raises RecursionError before a reader does it in C, for flow collections; block YAML raises its own."""
    if len(_OPENING.findall(text)) <= NESTING_MAX:
        return
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    if deepest > NESTING_MAX:
        raise RecursionError


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UnreadableDocument(f"An object has the key {twice!r} twice; give it once.")
    return members


def _no_constant(name: str) -> JsonValue:
    raise UnreadableDocument(f"The body has {name}, which is no JSON number.")


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, tags and YAML 1.1's surprises."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "an alias (*) is used; write the value out", alias.start_mark
            )
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) not in (None, "!"):
            raise yaml.composer.ComposerError(
                None, None, f"the tag {event.tag} is used; write plain values", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not a text; put it in quotes", key_node.start_mark
                )
            if key in mapping:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} comes twice; give it once", key_node.start_mark
                )
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node, deep=True)


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node))


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        "-+0123456789.",
    ),
):
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_map)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
