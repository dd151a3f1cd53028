"""Limits that hold for the document as a whole, checked before its shape, and without recursion."""

import math
from collections.abc import Iterator
from typing import Final

from signalbox_contracts.definitions.problems import pointer_of

SIZE_BYTES_MAX: Final = (
    512 * 1024
)  # half an envelope: a run's token carries the remaining actions beside the event
NESTING_MAX: Final = 60
VALUES_MAX: Final = 20_000
CONDITION_DEPTH_MAX: Final = 16  # a person can follow five; the rest is room for generated trees
COMPARISONS_MAX: Final = 500
TEXT_MAX: Final = 262_144  # characters of one text, such as a mail's HTML

type_names: Final = {dict: "object", list: "list", tuple: "list"}


def shape_problems(document: object) -> list[tuple[str, str]]:
    """(pointer, detail) of every limit the document breaks; empty if it can be looked at further."""
    problems: list[tuple[str, str]] = []
    size = 0
    for count, (path, value) in enumerate(_walk(document)):
        if count > VALUES_MAX:
            return [*problems, ("", f"has too many values; at most {VALUES_MAX:,} are allowed")]
        if len(path) > NESTING_MAX:
            return [
                *problems,
                (pointer_of(path), f"is nested too deeply; at most {NESTING_MAX} levels are allowed"),
            ]
        if isinstance(value, str):
            size += len(value.encode("utf-8", "surrogatepass"))
        detail = _problem_of_value(value)
        if detail:
            problems.append((pointer_of(path), detail))
    if size > SIZE_BYTES_MAX:
        problems.append(("", f"has {size:,} bytes of text; at most {SIZE_BYTES_MAX:,} are allowed"))
    if isinstance(document, dict):
        problems.extend(_condition_problems(document.get("conditions")))
    return problems


def _walk(document: object) -> Iterator[tuple[tuple[str | int, ...], object]]:
    pending: list[tuple[tuple[str | int, ...], object]] = [((), document)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            pending.extend(((*path, str(key)), member) for key, member in value.items())
        elif isinstance(value, list | tuple):
            pending.extend(((*path, index), member) for index, member in enumerate(value))


def _problem_of_value(value: object) -> str | None:
    match value:
        case None | bool() | int() | list() | tuple():
            return None
        case float():
            return (
                None if math.isfinite(value) else "must be a number that JSON can hold, not infinite or NaN"
            )
        case str():
            if len(value) > TEXT_MAX:
                return f"has {len(value):,} characters; at most {TEXT_MAX:,} are allowed"
            return (
                None
                if value.isascii() or not _has_lone_surrogate(value)
                else "is not well-formed Unicode text"
            )
        case dict():
            odd = [key for key in value if not isinstance(key, str)]
            return f"has the key {odd[0]!r}, which is not text; put it in quotes" if odd else None
        case _:
            return f"is a {type(value).__name__}, which JSON does not have; put it in quotes"


def _has_lone_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _condition_problems(condition: object) -> Iterator[tuple[str, str]]:
    pending: list[tuple[tuple[str | int, ...], object, int]] = [(("conditions",), condition, 1)]
    comparisons = 0
    while pending:
        path, node, depth = pending.pop()
        if not isinstance(node, dict):
            continue
        if depth > CONDITION_DEPTH_MAX:
            yield (
                pointer_of(path),
                f"is nested too deeply; at most {CONDITION_DEPTH_MAX} levels of conditions are allowed",
            )
            return
        comparisons += "op" in node
        for key in ("all", "any"):
            if isinstance(node.get(key), list | tuple):
                pending.extend(
                    ((*path, key, index), member, depth + 1) for index, member in enumerate(node[key])
                )
        if "not" in node:
            pending.append(((*path, "not"), node["not"], depth + 1))
    if comparisons > COMPARISONS_MAX:
        yield "/conditions", f"has {comparisons} comparisons; at most {COMPARISONS_MAX} are allowed"
