"""Laws of templates: both ways give the same, values stay inside their channel, nothing raises or runs on."""

import re
from typing import Any, Final

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from signalbox_rules.errors import RefusedTemplate, RenderingFailed
from signalbox_rules.template_limits import OUTPUT_CHARACTERS_MAX, Bookkeeping, RenderBudget
from signalbox_rules.template_values import CHANNELS, Channel
from signalbox_rules.templates import (
    CompiledTemplate,
    TemplateContext,
    compile_template,
    render,
    render_by_engine,
    render_value,
)
from tests.property.rules.template_strategies import scraps, simple_templates, templates, values, variables

LAW: Final = settings(max_examples=80, deadline=None)
channels = st.sampled_from(CHANNELS)


def compiled(source: str, channel: Channel) -> CompiledTemplate:
    """Compiled, or given up if the generator made what is no template."""
    try:
        return compile_template(source, channel)
    except RefusedTemplate:
        assume(False)
        raise


@given(simple_templates, channels, variables)
@settings(LAW, max_examples=150)
def test_the_short_way_and_the_long_way_give_the_same(
    source: str, channel: Channel, names: dict[str, Any]
) -> None:
    template = compiled(source, channel)
    assert template.program is not None
    context, books = TemplateContext(names), Bookkeeping(template.optional, RenderBudget())
    short = render(template, context)
    long = render_by_engine(template, context, books)
    if channel == "header":
        assert short.text == re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", long)
    else:
        assert short.text == long
    assert short.warnings == tuple(books.warnings)


@given(templates | scraps, channels, variables)
@settings(LAW, max_examples=120)
def test_rendering_ends_in_a_text_or_a_stated_limit(
    source: str, channel: Channel, names: dict[str, Any]
) -> None:
    try:
        rendered = render(compile_template(source, channel), TemplateContext(names))
    except (RefusedTemplate, RenderingFailed):
        return
    assert len(rendered.text) <= OUTPUT_CHARACTERS_MAX
    assert all(isinstance(warning, str) for warning in rendered.warnings)


@given(templates, variables)
@LAW
def test_no_value_brings_markup_into_html(source: str, names: dict[str, Any]) -> None:
    assume("<" not in source and "newline_to_br" not in source)
    try:
        text = render(compiled(source, "html"), TemplateContext(names)).text
    except RenderingFailed:
        return
    assert "<" not in text
    assert '"' not in re.sub(r"&#34;", "", text) or '"' in source


@given(templates, variables)
@LAW
def test_no_value_brings_a_line_into_a_header(source: str, names: dict[str, Any]) -> None:
    try:
        text = render(compiled(source, "header"), TemplateContext(names)).text
    except RenderingFailed:
        return
    assert not re.search(r"[\r\n\x00\x0b\x0c\x85\u2028\u2029]", text)


@given(variables)
@LAW
def test_a_value_stays_in_its_part_of_a_url(names: dict[str, Any]) -> None:
    url = render(
        compiled("https://x.example/{{ record.a }}?q={{ record.evil }}", "url"), TemplateContext(names)
    ).text
    assert re.fullmatch(r"https://x\.example/[^/?#\s]*\?q=[^/?#&=\s]*", url)


@given(values, variables)
@LAW
def test_a_json_value_without_templates_is_left_as_it_is(value: Any, names: dict[str, Any]) -> None:
    assume("{" not in str(value).replace("{'", "").replace("{}", ""))
    assert render_value(value, TemplateContext(names)) == (value, ())


@given(templates, variables)
@LAW
def test_a_rendered_json_value_is_json(source: str, names: dict[str, Any]) -> None:
    try:
        rendered, _ = render_value({"a": [source]}, TemplateContext(names))
    except (RefusedTemplate, RenderingFailed):
        return
    assert msgspec.json.decode(msgspec.json.encode(rendered))


@given(values)
@LAW
def test_an_expression_gives_the_very_value(value: Any) -> None:
    assert render_value("{{ record.a }}", TemplateContext({"record": {"a": value}})) == (value, ())
