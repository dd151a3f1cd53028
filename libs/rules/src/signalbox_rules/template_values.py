"""Values of templates: how a path leads to one, and how it is written into a channel."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

from liquid.undefined import Undefined
from markupsafe import Markup, escape

from signalbox_rules.filters.filter import to_text
from signalbox_rules.paths import MISSING

Channel = Literal["text", "html", "header", "url"]
CHANNELS: Final[tuple[Channel, ...]] = ("text", "html", "header", "url")

_CONTROL_TO_SPACE: Final = dict.fromkeys((*range(32), 127, 0x85, 0x2028, 0x2029), " ")


def without_control(text: str) -> str:
    """Text that can stand in one line of a header."""
    return text if text.isprintable() else text.translate(_CONTROL_TO_SPACE)


def written(value: Any, channel: Channel) -> str:
    """A value as it may stand in a channel's output. HTML that a filter made stays HTML in HTML."""
    if isinstance(value, Markup):
        if channel == "html":
            return str.__str__(value)
        value = str.__str__(value)
    text = to_text(value)
    match channel:
        case "text":
            return text
        case "html":
            return str.__str__(escape(text))
        case "header":
            return without_control(text)
        case "url":
            return quote(text, safe="", errors="replace")


def plain(value: Any) -> Any:
    """A value of a template as a JSON value."""
    if value is None or type(value) in (str, int, float, bool, list, dict):
        return value
    if isinstance(value, Undefined):
        return None
    return to_text(str.__str__(value) if isinstance(value, Markup) else value)


def value_in(variables: Mapping[str, Any], path: Sequence[object]) -> Any:
    """The value at a path of template variables, or MISSING."""
    value: Any = variables
    for step in path:
        value = _step(value, step)
        if value is MISSING:
            return MISSING
    return value


def _step(value: Any, step: Any) -> Any:
    if isinstance(step, str):
        if type(value) is dict or isinstance(value, Mapping):
            try:
                return value[step]
            except KeyError:
                return len(value) if step == "size" else MISSING
        if step == "size" and isinstance(value, str | list):
            return len(value)
        if type(value) is list and value and step in ("first", "last"):
            return value[0] if step == "first" else value[-1]
        return MISSING
    if type(step) is int and type(value) is list and -len(value) <= step < len(value):
        return value[step]
    return MISSING
