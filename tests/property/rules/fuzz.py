"""Fuzzes conditions and templates for as long as asked: `python -m tests.property.rules.fuzz --seconds 600`.

The same generators as the laws, many times over, with a clock beside: what raises, disagrees with the naive
interpreter, breaks a limit or takes longer than a second ends the run with the example. Prints what was done.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from signalbox_rules.conditions import compile_condition
from signalbox_rules.errors import RefusedCondition, RefusedTemplate, RenderingFailed
from signalbox_rules.record_context import RecordContext, record_of
from signalbox_rules.satisfiability import Possible, possible_outcomes
from signalbox_rules.template_limits import OUTPUT_CHARACTERS_MAX
from signalbox_rules.template_values import CHANNELS, Channel
from signalbox_rules.templates import TemplateContext, compile_template, render, render_value
from tests.property.rules.naive import NOTHING, holds
from tests.property.rules.strategies import condition_documents, contexts
from tests.property.rules.template_strategies import scraps, templates, variables
from tests.unit.rules.builders import condition

SLOWEST_SECONDS = 1.0
EXAMPLES_PER_ROUND = 2_000


class Report:
    """What was tried, and the slowest of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}

    def timed(self, what: str, call: Callable[[], Any]) -> Any:
        """Make a call, and keep the longest time it took."""
        begin = time.process_time()
        try:
            return call()
        finally:
            seconds = time.process_time() - begin
            self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))
            assert seconds < SLOWEST_SECONDS, f"{what} took {seconds:.2f} s"


def try_condition(report: Report, document: Any, context: RecordContext) -> None:
    """One condition on one record."""
    try:
        compiled = compile_condition(condition(document))
    except RefusedCondition:
        report.counts["conditions refused at publish"] += 1
        return
    report.counts["conditions decided"] += 1
    decided = report.timed("decide", lambda: compiled.decide(context))
    verdict = report.timed("explain", lambda: compiled.explain(context))
    assert verdict.outcome is decided
    assert len(msgspec.json.encode(verdict)) < 200_000
    previous = context.previous
    if not (previous is None or isinstance(previous, dict)):
        previous = NOTHING
    assert holds(document, record_of(context.record), previous, context.event_time) is decided
    possible = report.timed("possible_outcomes", lambda: possible_outcomes(condition(document)))
    assert possible is Possible.BOTH or (possible is Possible.ALWAYS) is decided
    report.counts[f"outcome {decided}".lower()] += 1


def try_template(report: Report, source: str, channel: Channel, names: dict[str, Any]) -> None:
    """One template over one record, as a text and as a JSON value."""
    try:
        compiled = report.timed("compile_template", lambda: compile_template(source, channel))
    except RefusedTemplate:
        report.counts["templates refused at publish"] += 1
        return
    report.counts["templates rendered"] += 1
    report.counts["of them the short way"] += compiled.program is not None
    context = TemplateContext(names)
    try:
        rendered = report.timed("render", lambda: render(compiled, context))
        assert len(rendered.text) <= OUTPUT_CHARACTERS_MAX
        assert channel != "header" or "\n" not in rendered.text
        assert channel != "html" or "<" in source or "newline_to_br" in source or "<" not in rendered.text
        msgspec.json.encode(render_value({"a": [source]}, context)[0])
    except RenderingFailed:
        report.counts["renderings stopped at a limit"] += 1
    except RefusedTemplate:
        report.counts["of them with tags that only other channels have"] += 1


def fuzz(seconds: float, first_seed: int) -> Report:
    """Rounds of both until the time is over."""
    report = Report()
    once = settings(
        max_examples=EXAMPLES_PER_ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    begin, number = time.monotonic(), first_seed
    while time.monotonic() - begin < seconds:
        number += 1
        seed(number)(once(given(condition_documents, contexts)(lambda d, c: try_condition(report, d, c))))()
        drawn = given(templates | scraps, st.sampled_from(CHANNELS), variables)
        seed(number)(once(drawn(lambda s, c, v: try_template(report, s, c, v))))()
    return report


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    given_ = parser.parse_args()
    report = fuzz(given_.seconds, given_.seed)
    slowest = {what: round(seconds * 1_000, 2) for what, seconds in report.slowest.items()}
    print(json.dumps({"counts": report.counts, "slowest_ms": slowest}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
