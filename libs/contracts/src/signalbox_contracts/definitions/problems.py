"""Pydantic's errors as places in the document a person wrote, with a sentence that says what is allowed
there.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

NOT_IN_DOCUMENTS: Final = frozenset({"<all>", "<any>", "<not>", "<comparison>", "[key]"})
"""What pydantic puts into its paths and documents do not have: branches of a condition, and the mark of a
key.
"""

_DETAILS: Final = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object (keys and values)",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "model_type": "must be an object (keys and values)",
    "model_attributes_type": "must be an object (keys and values)",
}

_LIMIT_DETAILS: Final = {
    "string_too_short": "must not be empty",
    "string_too_long": "is too long; at most {max_length} characters are allowed",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "must have at least {min_length} member",
    "too_long": "has {actual_length} members; at most {max_length} are allowed",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


def pointer_of(path: Iterable[str | int]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def located_details(
    error: ValidationError, allowed_keys: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """(pointer, detail) of every error, in document order as pydantic found them.

    `allowed_keys` adds, for a pointer's last named place, which keys are allowed there (for unknown keys).
    """
    keys = dict(allowed_keys)
    items = error.errors(include_url=False)
    return [(pointer_of(_place(item)), detail_of(item, keys)) for item in items if not _is_echo(item, items)]


def _is_echo(item: ErrorDetails, items: Sequence[ErrorDetails]) -> bool:
    """Is it there only because of another? A list whose members were refused is then called too short."""
    place = item["loc"]
    return item["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in items
    )


def _place(item: ErrorDetails) -> list[str | int]:
    return [part for part in item["loc"] if part not in NOT_IN_DOCUMENTS]


def detail_of(item: ErrorDetails, allowed_keys: Mapping[str, str] = MappingProxyType({})) -> str:
    """What is wrong at the place of `item`, and what is allowed there, as the end of a sentence."""
    kind = item["type"]
    if kind == "extra_forbidden":
        named = [part for part in _place(item)[:-1] if isinstance(part, str)]
        allowed = allowed_keys.get(named[-1] if named else "")
        return "is not a known key" + (f"; known are {allowed}" if allowed else "")
    if kind == "value_error":
        return item["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        return f"must be {item['ctx']['expected']}" if "ctx" in item else item["msg"]
    if kind == "recursion_loop":
        return "refers to itself; write the group out"
    known = _DETAILS.get(kind)
    if known is not None:
        return known
    template = _LIMIT_DETAILS.get(kind)
    if template is not None:
        return template.format(**item.get("ctx", {}))
    message = item["msg"].replace("Input should", "must", 1)
    return message[0].lower() + message[1:]
