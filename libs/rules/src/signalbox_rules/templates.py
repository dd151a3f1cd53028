"""Templates: compiled once, rendered with limits, escaped for where the text goes.

What a template prints is never looked at as a template again. A missing value is empty and noted as a
warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from liquid.builtin.expressions import FilteredExpression
from liquid.exceptions import LiquidError, LiquidInterrupt, StopRender
from liquid.template import BoundTemplate
from liquid.undefined import Undefined

from signalbox_rules.errors import RefusedTemplate, RulesError
from signalbox_rules.filters.filter import FilterRefused
from signalbox_rules.template_engine import (
    ENVIRONMENTS,
    Channel,
    ChannelOutputNode,
    Render,
    TemplateLimitReached,
)

SOURCE_CHARACTERS_MAX: Final = 262_144
CACHED_TEMPLATES: Final = 8_192


class RenderingFailed(RulesError):
    """A template that reached a limit while it was rendered; nothing of its output may be sent."""


@dataclass(frozen=True, slots=True)
class TemplateContext:
    """What templates see, by name: record, previous, owner, event, workflow, run, actions."""

    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered text, and what a person should know about it: values that were not there, filters that
    failed.
    """

    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A template for one channel."""

    source: str
    channel: Channel
    template: BoundTemplate | None
    """None if the source is plain text."""

    sole: FilteredExpression | None
    """The expression of a template that is exactly one `{{ … }}`."""


@lru_cache(maxsize=CACHED_TEMPLATES)
def compile_template(source: str, channel: Channel) -> CompiledTemplate:
    """Compile a template. Raises RefusedTemplate with the line of what is wrong."""
    if "{{" not in source and "{%" not in source:
        return CompiledTemplate(source, channel, None, None)
    if len(source) > SOURCE_CHARACTERS_MAX:
        raise RefusedTemplate(f"has more than {SOURCE_CHARACTERS_MAX:,} characters", 1)
    environment = ENVIRONMENTS[channel]
    try:
        template = environment.from_string(source)
    except LiquidError as error:
        raise RefusedTemplate(_reason(error), _line(error, source)) from None
    return CompiledTemplate(source, channel, template, _sole_expression(template))


def _sole_expression(template: BoundTemplate) -> FilteredExpression | None:
    match template.nodes:
        case [ChannelOutputNode(expression=FilteredExpression() as expression)]:
            return expression
        case _:
            return None


def _reason(error: LiquidError) -> str:
    return str(error.args[0]) if error.args else "is not a template"


def _line(error: LiquidError, source: str) -> int:
    token = error.token
    return source.count("\n", 0, max(0, token.start_index)) + 1 if token is not None else 1


def render(template: CompiledTemplate, context: TemplateContext) -> Rendered:
    """The template's text. Raises RenderingFailed if it reaches a limit."""
    if template.template is None:
        return Rendered(template.source)
    state = Render(template.template, dict(context.variables))
    buffer = template.template._get_buffer()
    for node in template.template.nodes:
        try:
            node.render(state, buffer)
        except StopRender:
            break
        except LiquidInterrupt:
            continue
        except (LiquidError, FilterRefused) as error:
            _note(error, state)
    return Rendered(buffer.getvalue(), tuple(state.warnings))


def _note(error: Exception, state: Render) -> None:
    if isinstance(error, TemplateLimitReached):
        raise RenderingFailed(str(error.args[0])) from None
    state.warn(str(error.args[0]) if error.args else "a part of the template failed")


def evaluate(template: CompiledTemplate, context: TemplateContext) -> tuple[Any, tuple[str, ...]]:
    """The value of a template that is exactly one expression, of its own type; else its text. And the
    warnings.
    """
    if template.sole is None or template.template is None:
        rendered = render(template, context)
        return rendered.text, rendered.warnings
    state = Render(template.template, dict(context.variables))
    try:
        value = template.sole.evaluate(state)
    except (LiquidError, FilterRefused) as error:
        _note(error, state)
        value = None
    return (None if isinstance(value, Undefined) else value), tuple(state.warnings)


def render_value(value: Any, context: TemplateContext) -> tuple[Any, tuple[str, ...]]:
    """A JSON value with the templates in its texts rendered, and the warnings.

    Values go into the parsed structure, so a quote in a record cannot end a text. A text that is exactly one
    expression becomes that expression's value: numbers stay numbers. Keys are no templates.
    """
    match value:
        case str():
            return evaluate(compile_template(value, "text"), context)
        case list():
            members = [render_value(member, context) for member in value]
            return [member for member, _ in members], _together(members)
        case dict():
            parts = {name: render_value(member, context) for name, member in value.items()}
            return {name: member for name, (member, _) in parts.items()}, _together(list(parts.values()))
        case _:
            return value, ()


def _together(parts: list[tuple[Any, tuple[str, ...]]]) -> tuple[str, ...]:
    return tuple(warning for _, warnings in parts for warning in warnings)
