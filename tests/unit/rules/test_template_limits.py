"""Templates that would run, write or nest without end are stopped, and nothing of them is sent."""

import tracemalloc
from typing import Any

import pytest

from signalbox_rules.errors import RefusedTemplate, RenderingFailed
from signalbox_rules.template_limits import RENDER_SECONDS_MAX, RenderBudget
from signalbox_rules.templates import TemplateContext, compile_template, evaluate, render, render_value

RECORD = {"big": "x" * 200_000, "list": list(range(5_000)), "n": 10, "text": "a" * 1_000}


def context(budget: RenderBudget | None = None) -> TemplateContext:
    return TemplateContext({"record": RECORD}, budget or RenderBudget())


def nested(tag: str, end: str, levels: int) -> str:
    return tag * levels + "x" + end * levels


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% for i in (1..1000000000) %}x{% endfor %}", "loops more than"),
        ("{% for i in (1..1000000000) reversed %}x{% endfor %}", "loops more than"),
        ("{% assign r = (1..1000000000) %}{% for i in r reversed %}x{% endfor %}", "loops more than"),
        ("{% for i in (1..99999999999999999999999) %}x{% endfor %}", "loops more than"),
        ("{% for i in (1..101) %}{% for j in (1..101) %}{% endfor %}{% endfor %}", "loops more than"),
        ("{% for i in record.list %}{% endfor %}" * 3, "loops more than"),
        ("{% for i in (1..1000) %}" + "{% if record.no %}{% endif %}" * 1_000 + "{% endfor %}", "steps"),
        ("{% for i in (1..1000) %}" + "{% if 1 == 1 %}{% endif %}" * 1_000 + "{% endfor %}", "steps"),
        ("{% for i in (1..100) %}{% for j in (1..99) %}" + "{{ a }}" * 30 + "{%endfor%}{%endfor%}", "steps"),
        ("{% for i in (1..9000) %}{% if record.big contains 'y' %}{% endif %}{% endfor %}", "works on"),
        ("{% for i in (1..9000) %}{% if record.list == record.list %}{% endif %}{% endfor %}", "works on"),
        ("{{ record.big }}{{ record.big }}", "output has more than"),
        ("{% if true %}{{ record.big }}{{ record.big }}{% endif %}", "output has more than"),
        (
            "{% for i in (1..9) %}{% capture x %}{{ record.big }}{{record.big}}{% endcapture %}{%endfor%}",
            "output has",
        ),
        ("{% for i in (1..100) %}{% assign x = record.big | upcase %}{% endfor %}", "works on more than"),
        ("{% for i in (1..9000) %}{% assign x = record.list | first %}{% endfor %}", "works on more than"),
        (
            "{% assign a = record.text %}{% for i in (1..90) %}{% assign a = a | append: a %}{% endfor %}",
            "",
        ),
    ],
)
def test_a_limit_stops_the_rendering(source: str, reason: str) -> None:
    compiled = compile_template(source, "text")
    if not reason:  # the filter refuses, which is a warning, and memory stays small
        assert len(render(compiled, context()).text) < 20
        return
    with pytest.raises(RenderingFailed, match=reason):
        render(compiled, context())


@pytest.mark.parametrize(
    "source",
    [
        "{{ record.big | replace: 'x', record.text }}",
        "{{ record.big | append: record.big }}",
        "{{ record.big | split: '' | size }}",
        "{{ record.list | join: record.big }}",
    ],
)
def test_a_filter_refuses_to_make_too_much(source: str) -> None:
    rendered = render(compile_template(source, "text"), context())
    assert rendered.text in ("", "0")
    assert "more than" in rendered.warnings[0]


def test_an_output_that_is_too_long_never_meets_in_memory() -> None:
    compiled = compile_template("{{ record.big }}" * 500, "html")
    tracemalloc.start()
    try:
        with pytest.raises(RenderingFailed, match="output has more than"):
            render(compiled, context())
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("source", ["{{ record }}", "{{ record.big }}", "{{ record.big }}!"])
def test_the_templates_of_a_json_value_have_a_limit_together(source: str) -> None:
    assert render_value([source] * 3, context())
    with pytest.raises(RenderingFailed, match="4,194,304 bytes"):
        render_value({"lines": [source] * 100}, context())


def test_a_long_list_fits_the_limits() -> None:
    lines = [{"sku": f"A-{n}", "price": n, "kind": "service"} for n in range(1_000)]
    source = (
        "{% for line in record.lines %}<tr><td>{{ line.sku | upcase }}</td><td>{{ line.price | money }}</td>"
        "{% if line.kind == 'service' and line.price > 5 %}<td>{{ forloop.index }}</td>{% endif %}</tr>\n"
        "{% endfor %}{{ record.lines | sum: 'price' }}"
    )
    rendered = render(compile_template(source, "html"), TemplateContext({"record": {"lines": lines}}))
    assert rendered.text.endswith("499500")
    assert rendered.warnings == ()


def test_numbers_stay_numbers_of_a_size() -> None:
    source = "{% assign n = record.n %}{% for i in (1..50) %}{% assign n = n | times: n %}{% endfor %}{{ n }}"
    assert len(render(compile_template(source, "text"), context()).text) < 40


def test_an_expression_that_reaches_a_limit_fails_too() -> None:
    source = "{{ record.big" + " | upcase" * 60 + " }}"
    with pytest.raises(RenderingFailed):
        evaluate(compile_template(source, "text"), context())


@pytest.mark.parametrize(
    "source",
    [
        nested("{% if true %}", "{% endif %}", 25),
        nested("{% for i in (1..2) %}", "{% endfor %}", 25),
        "{{ a" + "[a" * 5_000 + "]" * 5_000 + " }}",
        "x" * 262_144 + "{{ a }}",
    ],
)
def test_what_is_nested_or_written_too_long_is_refused(source: str) -> None:
    with pytest.raises(RefusedTemplate):
        compile_template(source, "text")


def test_deep_data_does_not_break_a_rendering() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    rendered = render(
        compile_template("a{{ record.deep }}{{ record.deep | json }}", "text"),
        TemplateContext({"record": {"deep": deep}}),
    )
    assert rendered.text.startswith("a")


def test_warnings_are_few_even_if_faults_are_many() -> None:
    source = "".join(f"{{{{ record.missing_{n} }}}}" for n in range(100))
    assert len(render(compile_template(source, "text"), context()).warnings) == 20


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("{{" * 100_000, "not closed"),
        ("{%" * 100_000, "not closed"),
        ("{{ a" * 50_000, "not closed"),
        ("{% raw %}" * 20_000, "not closed"),
        ("{% doc %}" * 20_000, "doc"),
        ("{{ a }}\n{{ '" + "x" * 4_000 + "' }}", "more than 4,000 characters"),
        ("{{" + " " * 90 + "}}", "80 blanks"),
    ],
)
def test_marks_that_would_keep_the_lexer_busy_for_hours_are_refused_at_once(source: str, detail: str) -> None:
    with pytest.raises(RefusedTemplate, match=detail):
        compile_template(source, "text")


def test_verbatim_text_may_hold_marks() -> None:
    source = "{% raw %}{{ {% {%- raw{% endraw %}{{ record.n }}{%- raw -%}{{{%- endraw -%}"
    assert render(compile_template(source, "text"), context()).text == "{{ {% {%- raw10{{"


HEAVY = "{% for i in (1..4000) %}" + "{% assign x = i | number: 12, 'ar_EG' %}" * 7 + "{% endfor %}"


def test_all_texts_of_an_action_share_one_budget() -> None:
    """80 texts that are each within the limits held the runner up for minutes."""
    shared = context()
    compiled = compile_template("{% for i in (1..4000) %}x{% endfor %}", "text")
    assert render(compiled, shared).text
    assert render(compiled, shared).text
    with pytest.raises(RenderingFailed, match="loops more than"):
        render(compiled, shared)


def test_time_of_the_processor_is_in_the_budget_too() -> None:
    spent = iter(range(10_000))
    budget = RenderBudget(lambda: next(spent) * RENDER_SECONDS_MAX / 50)
    with pytest.raises(RenderingFailed, match="too long to render"):
        render(compile_template(HEAVY, "text"), context(budget))
    assert budget.out_of_time


def test_a_mail_with_a_few_values_asks_no_clock() -> None:
    def broken_clock() -> float:
        asked.append(1)
        return 0.0

    asked: list[int] = []
    budget = RenderBudget(broken_clock)
    assert render(compile_template("Dear {{ record.text | upcase }}", "text"), context(budget)).text
    assert len(asked) == 1, "when the budget is made"
