"""Expected values that are another field of the same record: `{field: other}`, alone or as a member."""

from collections.abc import Callable
from typing import Any

from signalbox_rules.paths import MISSING, parse_path, value_at

Resolver = Callable[[dict[str, Any]], Any]
"""A record → the expected value; None for a field that is not there."""


def is_reference(value: Any) -> bool:
    """Is it `{field: path}`?"""
    return type(value) is dict and value.keys() == {"field"} and type(value["field"]) is str


def has_reference(value: Any) -> bool:
    """Is it a reference, or a list or from/to object with one inside?"""
    if is_reference(value):
        return True
    members = value.values() if type(value) is dict else value if type(value) is list else ()
    return any(is_reference(member) for member in members)


def compile_references(value: Any) -> Resolver:
    """What turns a record into the expected value. Raises RulesError for a path that is none."""
    if is_reference(value):
        path = parse_path(value["field"])

        def resolve(record: dict[str, Any]) -> Any:
            found = value_at(record, path)
            return None if found is MISSING else found

        return resolve
    if type(value) is list:
        members = [compile_references(member) for member in value]
        return lambda record: [member(record) for member in members]
    if type(value) is dict:
        parts = {name: compile_references(member) for name, member in value.items()}
        return lambda record: {name: part(record) for name, part in parts.items()}
    return lambda _record: value
