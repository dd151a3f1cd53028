"""What a template uses, without running it: variables and filters with their places."""

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from liquid.ast import Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.context import RenderContext
from liquid.expression import Expression
from liquid.template import BoundTemplate

from signalbox_rules.filters.registry import FILTERS

_FILTERS = {entry.name: inspect.signature(entry.function) for entry in FILTERS}


class UsedVariable(NamedTuple):
    """A variable a template reads: its steps (a computed step is "*"), and its line (from 1)."""

    steps: tuple[str | int, ...]
    line: int

    @property
    def name(self) -> str:
        """The variable as it is written."""
        return ".".join(str(step) for step in self.steps)


def used_variables(template: BoundTemplate, source: str) -> list[UsedVariable]:
    """The variables that come from outside: what the template assigns itself is not among them."""
    found = template.analyze().globals
    return [
        UsedVariable(_steps(variable.segments), _line(source, variable.span.index))
        for variables in found.values()
        for variable in variables
    ]


def _steps(segments: list[Any]) -> tuple[str | int, ...]:
    return tuple("*" if isinstance(segment, list) else segment for segment in segments)


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, max(0, index)) + 1


def optional_variables(template: BoundTemplate) -> frozenset[str]:
    """Names of variables that some expression gives a default."""
    static = RenderContext(template)
    return frozenset(
        ".".join(map(str, expression.left.path))
        for expression in _expressions(template.nodes, static)
        if isinstance(expression, FilteredExpression)
        and isinstance(expression.left, Path)
        and any(used.name == "default" for used in expression.filters or ())
    )


def filter_problems(template: BoundTemplate, source: str) -> list[tuple[int, str]]:
    """(line, detail) of every filter that does not exist or is given the wrong arguments."""
    problems: list[tuple[int, str]] = []
    static = RenderContext(template)
    for expression in _expressions(template.nodes, static):
        if isinstance(expression, FilteredExpression):
            for used in expression.filters or ():
                detail = filter_problem(used)
                if detail:
                    problems.append((_line(source, used.token.start_index), detail))
    return problems


def filter_problem(used: Any) -> str | None:
    """What is wrong with a filter as a template uses it: its name, or how many arguments it is given."""
    signature = _FILTERS.get(used.name)
    if signature is None:
        return f"there is no filter {used.name!r}; there are {', '.join(_FILTERS)}"
    positional = [argument for argument in used.args if not getattr(argument, "name", None)]
    named = {argument.name: None for argument in used.args if getattr(argument, "name", None)}
    try:
        signature.bind(None, *positional, **named)
    except TypeError as error:
        return f"the filter {used.name!r} {error}"
    return None


def _expressions(nodes: list[Node], static: RenderContext) -> Iterator[Expression]:
    pending = list(nodes)
    while pending:
        node = pending.pop()
        for expression in node.expressions():
            yield from _with_children(expression)
        pending.extend(node.children(static))


def _with_children(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _with_children(child)
