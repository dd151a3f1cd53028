"""Field paths: `amount`, `owner.team`, `lines[0].sku`."""

import re
from collections.abc import Callable
from typing import Any, Final

from signalbox_rules.errors import RulesError

SEGMENTS_MAX: Final = 10  # deeper than any record a CRM publishes

Path = tuple[str | int, ...]
Reader = Callable[[Any], Any]
"""A record → the value at a path."""

_SEGMENT: Final = re.compile(r"([^.\[\]\s][^.\[\]]*)((?:\[[0-9]{1,4}\])*)")
_INDEX: Final = re.compile(r"\[([0-9]+)\]")


class Missing:
    """The type of MISSING: there is nothing at a path, which a verdict tells apart from null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


def parse_path(text: str) -> Path:
    """The steps of a field path. Raises RulesError if the text is not one."""
    steps: list[str | int] = []
    for part in text.split("."):
        match = _SEGMENT.fullmatch(part)
        if match is None:
            raise RulesError(
                f"{text!r} is not a field path; write for example amount, owner.team or lines[0].sku"
            )
        steps.append(match[1])
        steps.extend(int(index) for index in _INDEX.findall(match[2]))
    if len(steps) > SEGMENTS_MAX:
        raise RulesError(
            f"the field path {text!r} has {len(steps)} steps; at most {SEGMENTS_MAX} are allowed"
        )
    return tuple(steps)


def value_at(record: Any, path: Path) -> Any:
    """The value at a path, or MISSING. Never raises, whatever the record is."""
    value = record
    for step in path:
        if isinstance(step, str):
            if type(value) is not dict or step not in value:
                return MISSING
        elif type(value) is not list or step >= len(value):
            return MISSING
        value = value[step]
    return value


def present(value: Any) -> Any:
    """What comparisons see of a value that may be MISSING: nothing."""
    return None if value is MISSING else value


def reader_of(path: Path) -> Reader:
    """What reads a path from a record that is an object; MISSING if there is nothing."""
    if len(path) == 1:
        name = path[0]
        return lambda record: record.get(name, MISSING)
    return lambda record: value_at(record, path)
