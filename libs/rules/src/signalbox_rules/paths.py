"""Field paths: `amount`, `owner.team`, `lines[0].sku`."""

import re
from typing import Any, Final

from signalbox_rules.errors import RulesError

SEGMENTS_MAX: Final = 10  # deeper than any record a CRM publishes
INDEX_MAX: Final = 9_999

Path = tuple[str | int, ...]

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
        if type(step) is str:
            if type(value) is not dict or step not in value:
                return MISSING
            value = value[step]
        else:
            if type(value) is not list or step >= len(value):
                return MISSING
            value = value[step]
    return value
