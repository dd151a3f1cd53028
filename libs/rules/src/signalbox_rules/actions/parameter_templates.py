"""Finds the templates inside an action's parameters, by the marks on the parameter model."""

from collections.abc import Iterator
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from signalbox_contracts.definitions.problems import pointer_of
from signalbox_rules.actions.action import JsonTemplates, Parameters, Template
from signalbox_rules.template_values import Channel


class FoundTemplate(NamedTuple):
    """A template: JSON pointer from the parameters, its source, and where its output goes."""

    pointer: str
    source: str
    channel: Channel


@lru_cache(maxsize=64)
def _hints(model: type[Parameters]) -> dict[str, Any]:
    return get_type_hints(model, include_extras=True)


def templates_of(parameters: Parameters) -> list[FoundTemplate]:
    """Every text of the parameters that is rendered, in document order."""
    hints = _hints(type(parameters))
    names = type(parameters).model_fields
    return [found for name in names for found in _found(hints[name], getattr(parameters, name), (name,))]


def _found(hint: Any, value: Any, path: tuple[str | int, ...]) -> Iterator[FoundTemplate]:
    if value is None:
        return
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *marks = get_args(hint)
        for mark in marks:
            if isinstance(mark, Template) and isinstance(value, str):
                yield FoundTemplate(pointer_of(path), value, mark.channel)
                return
            if isinstance(mark, JsonTemplates):
                yield from _in_json(value, path)
                return
        yield from _found(inner, value, path)
    elif origin in (Union, UnionType):
        for member in get_args(hint):
            yield from _found(member, value, path)
    elif origin is tuple:
        for index, member in enumerate(value):
            yield from _found(get_args(hint)[0], member, (*path, index))
    elif origin is dict:
        for name, member in value.items():
            yield from _found(get_args(hint)[1], member, (*path, name))


def _in_json(value: Any, path: tuple[str | int, ...]) -> Iterator[FoundTemplate]:
    match value:
        case str():
            yield FoundTemplate(pointer_of(path), value, "text")
        case list():
            for index, member in enumerate(value):
                yield from _in_json(member, (*path, index))
        case dict():
            for name, member in value.items():
                yield from _in_json(member, (*path, name))
