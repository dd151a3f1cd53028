"""Templates: compiled once, rendered with limits, escaped for where the text goes.

What a template prints is never looked at as a template again. A missing value is empty, with a warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from liquid.builtin.expressions import FilteredExpression
from liquid.exceptions import LiquidError, LiquidInterrupt, ResourceLimitError, StopRender
from liquid.template import BoundTemplate

from signalbox_rules.errors import RefusedTemplate, RenderingFailed
from signalbox_rules.template_analysis import optional_variables
from signalbox_rules.template_engine import ENVIRONMENTS, Buffer, ChannelOutputNode, Render
from signalbox_rules.template_limits import Bookkeeping, RenderBudget, ValueBudget
from signalbox_rules.template_program import Output, Program, program_of, run, value_of
from signalbox_rules.template_scan import check_marks
from signalbox_rules.template_values import Channel, plain, without_control

SOURCE_CHARACTERS_MAX: Final = 262_144
SMALL_CHARACTERS_MAX: Final = 8_192
CACHED_SMALL: Final = 4_096  # of all tenants; a compiled template is some ten times its source
CACHED_LARGE: Final = 64

_FAILURES: Final = (
    LiquidError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What python-liquid can raise on odd values; the part that failed is left out, with a warning."""


@dataclass(frozen=True, slots=True)
class TemplateContext:
    """What templates see, by name: record, previous, owner, event, workflow, run, actions."""

    variables: Mapping[str, Any]
    budget: RenderBudget = field(default_factory=RenderBudget)
    """Shared by all texts that are rendered with this context."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, and what a person should know about it: values that were not there, filters that refused."""

    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A template for one channel."""

    source: str
    channel: Channel
    template: BoundTemplate | None
    """None if the source is plain text."""

    program: Program | None
    """The short way, if there is one."""

    sole: FilteredExpression | None
    """The expression of a template that is exactly one `{{ … }}`."""

    optional: frozenset[str] = frozenset()
    """Variables that have a default, and so may be missing without a warning."""


def compile_template(source: str, channel: Channel) -> CompiledTemplate:
    """Compile a template, or take it from memory. Raises RefusedTemplate with the line of what is wrong."""
    if not has_template(source):
        return CompiledTemplate(source, channel, None, (source,), None)
    return (_small if len(source) <= SMALL_CHARACTERS_MAX else _large)(source, channel)


def has_template(text: str) -> bool:
    """Is there anything to render in a text?"""
    return "{{" in text or "{%" in text


def _compiled(source: str, channel: Channel) -> CompiledTemplate:
    if len(source) > SOURCE_CHARACTERS_MAX:
        raise RefusedTemplate(f"has more than {SOURCE_CHARACTERS_MAX:,} characters", 1)
    check_marks(source)
    try:
        template = ENVIRONMENTS[channel].from_string(source)
        program = program_of(template.nodes)
        return CompiledTemplate(
            source, channel, template, program, _sole_expression(template), optional_variables(template)
        )
    except LiquidError as error:
        raise RefusedTemplate(_reason(error), _line(error, source)) from None
    except RecursionError:
        raise RefusedTemplate("is nested too deeply", 1) from None


_small = lru_cache(maxsize=CACHED_SMALL)(_compiled)
_large = lru_cache(maxsize=CACHED_LARGE)(_compiled)


def _sole_expression(template: BoundTemplate) -> FilteredExpression | None:
    match template.nodes:
        case [ChannelOutputNode(expression=FilteredExpression() as expression)]:
            return expression
        case _:
            return None


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else "is not a template"


def _line(error: LiquidError, source: str) -> int:
    token = error.token
    return source.count("\n", 0, max(0, token.start_index)) + 1 if token is not None else 1


def render(template: CompiledTemplate, context: TemplateContext) -> Rendered:
    """The template's text. Raises RenderingFailed if it reaches a limit."""
    books = Bookkeeping(template.optional, context.budget)
    try:
        if template.program is not None:
            text = run(template.program, template.channel, context.variables, books)
        else:
            text = render_by_engine(template, context, books)
        context.budget.written(len(text))
    except ResourceLimitError as error:
        raise RenderingFailed(_reason(error)) from None
    if template.channel == "header":
        text = without_control(text)
    return Rendered(text, tuple(books.warnings))


def render_by_engine(template: CompiledTemplate, context: TemplateContext, books: Bookkeeping) -> str:
    """The long way, which every template can go. Raises ResourceLimitError."""
    if template.template is None:
        return template.source
    state = Render(template.template, dict(context.variables), books)
    buffer = Buffer()
    for node in template.template.nodes:
        try:
            node.render(state, buffer)
        except StopRender:
            break
        except LiquidInterrupt:  # a break outside of a loop
            continue
        except ResourceLimitError:
            raise
        except _FAILURES as error:
            books.warn(_failure(error))
    return buffer.getvalue()


def _failure(error: Exception) -> str:
    return _reason(error) if isinstance(error, LiquidError) else f"a part of the template failed: {error}"


def evaluate(template: CompiledTemplate, context: TemplateContext) -> tuple[Any, tuple[str, ...]]:
    """The value of a template that is one expression, of its own type; else its text. And the warnings.

    Raises RenderingFailed if it reaches a limit.
    """
    if template.sole is None or template.template is None:
        rendered = render(template, context)
        return rendered.text, rendered.warnings
    books = Bookkeeping(template.optional, context.budget)
    try:
        if template.program is not None and isinstance(output := template.program[0], Output):
            value = value_of(output, context.variables, books)
        else:
            value = template.sole.evaluate(Render(template.template, dict(context.variables), books))
    except ResourceLimitError as error:
        raise RenderingFailed(_reason(error)) from None
    except _FAILURES as error:
        books.warn(_failure(error))
        value = None
    return plain(value), tuple(books.warnings)


def render_value(value: Any, context: TemplateContext) -> tuple[Any, tuple[str, ...]]:
    """A JSON value with the templates in its texts rendered, and the warnings.

    Values go into the parsed structure, so a quote in a record cannot end a text. A text that is exactly one
    expression becomes that expression's value: numbers stay numbers. Keys are no templates. Raises
    RefusedTemplate and RenderingFailed.
    """
    warnings: list[str] = []
    return _rendered_value(value, context, ValueBudget(), warnings), tuple(warnings)


def _rendered_value(value: Any, context: TemplateContext, budget: ValueBudget, warnings: list[str]) -> Any:
    match value:
        case str():
            if not has_template(value):
                return value
            rendered, noted = evaluate(compile_template(value, "text"), context)
            budget.spend(rendered)
            warnings.extend(noted)
            return rendered
        case list():
            return [_rendered_value(member, context, budget, warnings) for member in value]
        case dict():
            return {
                name: _rendered_value(member, context, budget, warnings) for name, member in value.items()
            }
        case _:
            return value
