"""The short way: a template of text and `{{ path | filter: literal }}` only, without python-liquid's context.

Most templates are such. The result is the same to the character (a law in tests/property/rules), much sooner.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.arguments import PositionalArgument
from liquid.builtin.expressions.primitive import FloatLiteral, IntegerLiteral, StringLiteral

from signalbox_rules.filters.registry import FILTERS
from signalbox_rules.paths import MISSING
from signalbox_rules.template_analysis import filter_problem
from signalbox_rules.template_engine import ChannelOutputNode
from signalbox_rules.template_limits import Bookkeeping, check_length
from signalbox_rules.template_values import Channel, value_in, written

_LITERALS = (StringLiteral, IntegerLiteral, FloatLiteral)
_FUNCTIONS = {entry.name: entry.function for entry in FILTERS}


class Call(NamedTuple):
    """A filter with the literals it is given."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class Output(NamedTuple):
    """`{{ path | filter … }}`."""

    path: tuple[str | int, ...]
    calls: tuple[Call, ...]


Program = tuple[str | Output, ...]


def program_of(nodes: Sequence[Node]) -> Program | None:
    """The program of a template, or None if it has more in it than programs can do."""
    parts: list[str | Output] = []
    for node in nodes:
        if type(node) is ContentNode:
            parts.append(node.text)
        elif isinstance(node, ChannelOutputNode):
            output = _output_of(node.expression)
            if output is None:
                return None
            parts.append(output)
        else:
            return None
    return tuple(parts)


def _output_of(expression: Any) -> Output | None:
    if not isinstance(expression, FilteredExpression) or not isinstance(expression.left, Path):
        return None
    steps = tuple(expression.left.path)
    if not all(type(step) in (str, int) for step in steps):
        return None
    calls = [_call_of(used) for used in expression.filters or ()]
    known = tuple(call for call in calls if call is not None)
    return Output(steps, known) if len(known) == len(calls) else None  # type: ignore[arg-type]


def _call_of(used: Any) -> Call | None:
    function = _FUNCTIONS.get(used.name)
    if function is None or filter_problem(used) is not None:
        return None
    arguments = [argument.value for argument in used.args if isinstance(argument, PositionalArgument)]
    literals = [argument.value for argument in arguments if isinstance(argument, _LITERALS)]
    return Call(used.name, function, tuple(literals)) if len(literals) == len(used.args) else None


def value_of(output: Output, variables: Mapping[str, Any], books: Bookkeeping) -> Any:
    """The value of an output."""
    path = output.path
    value = value_in(variables, path)
    if value is MISSING:
        books.missing(path)
        value = None
    for name, function, arguments in output.calls:
        value = books.filtered(name, function, value, arguments)
    return value


def run(program: Program, channel: Channel, variables: Mapping[str, Any], books: Bookkeeping) -> str:
    """The text of a program. Raises TemplateLimitReached."""
    texts: list[str] = []
    characters = 0
    for part in program:
        text = part if isinstance(part, str) else written(value_of(part, variables, books), channel)
        characters += len(text)
        check_length(characters)  # at once: a thousand texts of a megabyte must not meet in memory
        texts.append(text)
    return "".join(texts)
