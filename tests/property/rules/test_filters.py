"""Laws of filters: whatever they are given, they give a plain value or refuse, and change nothing."""

import copy
import inspect
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from markupsafe import Markup

from signalbox_rules.filters.filter import Filter, FilterRefused, to_text
from signalbox_rules.filters.registry import FILTERS
from tests.property.rules.template_strategies import values

_odd: SearchStrategy[Any] = st.sampled_from(
    [
        *("", "EUR", "xx", "de_DE", "de-DE-u-nu-thai", "../../etc/passwd", "Europe/Berlin"),
        *("%", "%%", "%-d", "\x00", "%Y" * 120),
        *(-1, 0, 3, 10**12, -(10**30), 1e308, 1e-308, True, None, [], {}),
        *(range(3), range(10**9), Markup("<b>")),
    ]
)
_arguments = st.lists(_odd | values, max_size=3)


@pytest.mark.parametrize("entry", FILTERS, ids=lambda entry: entry.name)
@settings(max_examples=30, deadline=None)
@given(value=values | _odd, arguments=_arguments)
def test_a_filter_gives_a_plain_value_or_refuses(entry: Filter, value: Any, arguments: list[Any]) -> None:
    parameters = list(inspect.signature(entry.function).parameters.values())[1:]
    needed = sum(parameter.default is inspect.Parameter.empty for parameter in parameters)
    fitting = (arguments + [None] * needed)[: max(needed, min(len(arguments), len(parameters)))]
    before = copy.deepcopy((value, fitting))
    try:
        result = entry.function(value, *fitting)
    except FilterRefused:
        pass
    else:
        assert isinstance(result, str | int | float | bool | list | dict | range | None)
        assert isinstance(to_text(result), str)
        if not any(result is one for one in (value, *fitting)) and not isinstance(result, Markup):
            msgspec.json.encode(result)
    assert (value, fitting) == before
