"""Templates: what they print in each channel, what they warn of, what they refuse."""

from typing import Any

import pytest

from signalbox_rules.errors import RefusedTemplate
from signalbox_rules.template_values import CHANNELS, Channel
from signalbox_rules.templates import Rendered, TemplateContext, compile_template, render, render_value

RECORD: dict[str, Any] = {
    "name": 'Ada "<b>" & Co',
    "amount": 75000.5,
    "count": 3,
    "gone": None,
    "created": "2026-11-23T23:30:00Z",
    "born": "1815-12-10",
    "tags": ["b", "a", "b"],
    "lines": [{"sku": "A", "price": "1,000"}, {"sku": "B", "price": 2.5}],
    "evil": "{{ record.amount }}{% if true %}x{% endif %}",
    "mail": "a@x\r\nBcc: everybody",
}
CONTEXT = TemplateContext(
    {
        "record": RECORD,
        "previous": None,
        "owner": {"id": "u-1", "name": "Bob", "email": "bob@example.com"},
        "actions": {"tell-erp": {"receipt": {"status": 201}}},
    }
)


def text(source: str, channel: Channel = "text") -> str:
    return render(compile_template(source, channel), CONTEXT).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain", "plain"),
        ("{{ record.name }}", 'Ada "<b>" & Co'),
        ("{{record.amount}} {{ record.count }}", "75000.5 3"),
        ("[{{ record.gone }}]", "[]"),
        ("{{ record.tags }}", "b, a, b"),
        ("{{ record.lines[0] }}", '{"sku":"A","price":"1,000"}'),
        ("{{ record.lines[1].sku }}{{ record.lines[-1].sku }}{{ record.lines.first.sku }}", "BBA"),
        ("{{ record.tags.size }} {{ record['count'] }}", "3 3"),
        ("{{ actions.tell-erp.receipt.status }}", "201"),
        ("{{ true }} {{ 1.50 }} {{ 'x' }}", "true 1.5 x"),
        ("{% if record.amount > 50000 %}big{% else %}small{% endif %}", "big"),
        ("{% unless record.gone %}none{% endunless %}", "none"),
        ("{% for tag in record.tags %}{{ forloop.index }}{{ tag }}{% endfor %}", "1b2a3b"),
        ("{% for i in (1..9) %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "12"),
        ("{% assign x = record.count | plus: 1 %}{{ x }}", "4"),
        ("{% capture x %}<{{ record.count }}>{% endcapture %}{{ x }}", "<3>"),
        ("{% case record.count %}{% when 3 %}three{% else %}?{% endcase %}", "three"),
        ("{% comment %}{{ x }}{% endcomment %}{% # note %}", ""),
        ("{% raw %}{{ record.name }}{% endraw %}", "{{ record.name }}"),
        ("{% echo record.count %}", "3"),
        ("a\r\n{{ record.count }}\r\n", "a\r\n3\r\n"),
    ],
)
def test_what_a_template_prints(source: str, expected: str) -> None:
    assert text(source) == expected


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("text", 'Ada "<b>" & Co'),
        ("html", "Ada &#34;&lt;b&gt;&#34; &amp; Co"),
        ("header", 'Ada "<b>" & Co'),
        ("url", "Ada%20%22%3Cb%3E%22%20%26%20Co"),
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        "{{ record.name }}",
        "{% echo record.name %}",
        "{% if true %}{{ record.name }}{% endif %}",
        "{% assign x = record.name %}{{ x }}",
        "{{ record.name | append: '' }}",
        "{% for x in record.name %}{{ x }}{% endfor %}",
    ],
)
def test_a_value_is_escaped_for_its_channel_on_every_way_out(
    channel: Channel, source: str, expected: str
) -> None:
    assert text(source, channel) == expected


def test_what_was_captured_is_not_escaped_twice() -> None:
    assert text("{% capture x %}<i>{{ record.name }}</i>{% endcapture %}{{ x }}", "html") == (
        "<i>Ada &#34;&lt;b&gt;&#34; &amp; Co</i>"
    )


def test_a_header_stays_one_line() -> None:
    assert text("Re: {{ record.mail }}", "header") == "Re: a@x  Bcc: everybody"
    assert "\n" not in text("{% if true %}a\nb{% endif %}", "header")


def test_what_a_template_prints_is_no_template() -> None:
    assert text("{{ record.evil }}") == RECORD["evil"]
    assert render_value(["{{ record.evil }}"], CONTEXT) == ([RECORD["evil"]], ())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ record.gone | default: 'there' }}", "there"),
        ("{{ record.nothing | default: 'there' }}", "there"),
        ("{{ record.count | default: 9 }}", "3"),
        ("{{ 'abc' | upcase }}{{ 'ABC' | downcase }}{{ 'abc' | capitalize }}", "ABCabcAbc"),
        ("{{ 'abcdef' | truncate: 4 }}{{ 'abc' | truncate: 4 }}", "abc…abc"),
        ("{{ 'a b c' | truncatewords: 2 }}", "a b…"),
        ("{{ 'a-b' | replace: '-', '+' | append: '!' | prepend: '?' }}", "?a+b!"),
        ("{{ 'a-b' | remove: '-' }}{{ ' x ' | strip }}", "abx"),
        ("{{ 'a,b' | split: ',' | last }}{{ 'abcd' | slice: 1, 2 }}{{ 'abcd' | slice: -1 }}", "bbcd"),
        ("{{ '<b>x</b> &amp;' | strip_html }}", "x &"),
        ("{{ 'a b/c' | url_encode }}", "a%20b%2Fc"),
        ("{{ record.lines | json }}", '[{"sku":"A","price":"1,000"},{"sku":"B","price":2.5}]'),
        ("{{ 0.1 | plus: 0.2 }} {{ 7 | minus: 9 }} {{ '1,000' | times: 2 }}", "0.3 -2 2000"),
        ("{{ 7 | divided_by: 2 }} {{ 7 | modulo: 4 }} {{ -2.5 | abs }}", "3.5 3 2.5"),
        ("{{ 2.5 | round }} {{ 1.005 | round: 2 }} {{ 1.2 | ceil }} {{ 1.8 | floor }}", "3 1.01 2 1"),
        ("{{ record.amount | money }}", "$75,000.50"),
        ("{{ record.amount | money: 'EUR', 'de_DE' }}", "75.000,50\u00a0€"),
        (
            "{{ record.amount | number: 2 }} {{ 1234.5 | number }} {{ 1234.5 | number: 0 }}",
            "75,000.50 1,234.5 1,235",
        ),
        ("{{ record.created | date: '%Y-%m-%d %H:%M' }}", "2026-11-23 23:30"),
        ("{{ record.created | date: '%d %B %Y, %H:%M', 'Europe/Berlin' }}", "24 November 2026, 00:30"),
        ("{{ record.born | date: '%d.%m.%Y', 'America/New_York' }}", "10.12.1815"),
        ("{{ record.gone | date }}", ""),
        ("{{ record.created | plus_days: 8 }}", "2026-12-01"),
        (
            "{{ record.tags | join: '+' }} {{ record.tags | uniq | join }} {{ record.tags | sort | join }}",
            "b+a+b b, a a, b, b",
        ),
        ("{{ record.tags | reverse | first }}{{ record.tags | size }}", "b3"),
        ("{{ record.lines | map: 'sku' | join }} {{ record.lines | sum: 'price' }}", "A, B 1002.5"),
        ("{{ record.lines | where: 'sku', 'b' | map: 'price' | join }}", "2.5"),
        ("{{ record.lines | sort: 'price' | map: 'sku' | join }}", "B, A"),
    ],
)
def test_filters(source: str, expected: str) -> None:
    assert text(source) == expected


def test_filters_that_make_html_escape_first() -> None:
    context = TemplateContext({"record": {"notes": "<script>\nx"}})
    assert render(compile_template("{{ record.notes | newline_to_br }}", "html"), context).text == (
        "&lt;script&gt;<br>\nx"
    )
    assert (
        render(compile_template("{{ record.notes | escape }}", "html"), context).text == "&lt;script&gt;\nx"
    )
    assert (
        "<script>"
        not in render(compile_template("{{ record.notes | escape | upcase }}", "html"), context).text
    )


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        ("{{ record.nothing }}", "record.nothing is not there"),
        ("{{ record.name.first_name }}", "record.name.first_name is not there"),
        ("{% if record.nothing %}x{% endif %}", "record.nothing is not there"),
        ("{{ now }}", "now is not there"),
        ("{{ today | date }}", "today is not there"),
        ("{{ 'now' | date }}", "date: the value is not an ISO 8601 date"),
        ("{{ record.name | money }}", "money: the value is not a number"),
        (
            "{{ record.amount | money: 'EURO' }}",
            "money: 'EURO' is not a currency; write for example USD or EUR",
        ),
        (
            "{{ record.amount | money: 'EUR', 'xx_XX' }}",
            "money: 'xx_XX' is not a locale; write for example en, en_GB or de_DE",
        ),
        (
            "{{ record.created | date: '%Y', 'Mars/Base' }}",
            "date: 'Mars/Base' is not a time zone; write for example UTC or Europe/Berlin",
        ),
        (
            "{{ record.created | date: '%Q' }}",
            "date: %Q is not a part of a form of a date; write for example %d %B %Y",
        ),
        (
            "{{ record.created | date: '%9999999d' }}",
            "date: %9 is not a part of a form of a date; write for example %d %B %Y",
        ),
        ("{{ 1 | divided_by: 0 }}", "divided_by: nothing can be divided by 0"),
        ("{{ 'x' | truncate: 'y' }}", "truncate: the length must be a whole number"),
    ],
)
def test_what_is_missing_or_makes_no_sense_is_left_empty_with_a_warning(source: str, warning: str) -> None:
    rendered = render(compile_template(source, "text"), CONTEXT)
    assert rendered.text.strip() == ""
    assert rendered.warnings == (warning,)


def test_nothing_has_no_amount_and_no_date() -> None:
    source = "{{ record.gone | money: 'EUR' | default: 'free' }} {{ record.gone | number | default: '?' }}"
    assert render(compile_template(source, "text"), CONTEXT) == Rendered("free ?")


def test_a_default_makes_a_variable_optional() -> None:
    assert (
        render(compile_template("{{ record.nick | default: record.count }}", "text"), CONTEXT).warnings == ()
    )


def test_a_part_that_fails_leaves_the_others() -> None:
    rendered = render(compile_template("a{% if record.tags > 5 %}b{% endif %}c", "text"), CONTEXT)
    assert rendered.text == "ac"
    assert len(rendered.warnings) == 1


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("{{ record.name", 1),
        ("\n\n{% if %}x{% endif %}", 3),
        ("{% for %}{% endfor %}", 1),
        ("{% include 'x' %}", 1),
        ("{% render 'x' %}", 1),
        ("{% cycle 'a', 'b' %}", 1),
        ("{% liquid assign x = 1 %}", 1),
        ("{% tablerow x in y %}{% endtablerow %}", 1),
        ("{% if true %}", 1),
        ("{% nonsense %}", 1),
        ("{{ 'a' 'b' }}", 1),
    ],
)
def test_what_is_no_template_is_refused_with_its_line(source: str, line: int, channel: Channel) -> None:
    with pytest.raises(RefusedTemplate) as caught:
        compile_template(source, channel)
    assert caught.value.line == line


def test_a_value_that_is_one_expression_keeps_its_type() -> None:
    body = {
        "number": "{{ record.amount }}",
        "list": "{{ record.tags }}",
        "null": "{{ record.gone }}",
        "missing": "{{ record.nothing }}",
        "sum": "{{ record.count | plus: 1 }}",
        "text": "{{ record.count }}!",
        "quote": 'a "{{ record.name }}"',
        "true": "{{ true }}",
        "deep": [{"x": ["{{ record.count }}", 5, None, True]}],
        "{{ record.count }}": 1,
    }
    rendered, warnings = render_value(body, CONTEXT)
    assert rendered == {
        "number": 75000.5,
        "list": ["b", "a", "b"],
        "null": None,
        "missing": None,
        "sum": 4,
        "text": "3!",
        "quote": 'a "Ada "<b>" & Co"',
        "true": True,
        "deep": [{"x": [3, 5, None, True]}],
        "{{ record.count }}": 1,
    }
    assert warnings == ("record.nothing is not there",)
