"""Records and conditions of every shape, with values that meet often enough to be equal."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from signalbox_contracts.definitions.document import Condition
from signalbox_rules.operators.operator import Takes
from signalbox_rules.operators.registry import OPERATORS
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext
from tests.unit.rules.builders import condition

FIELDS = ("a", "b", "c.d", "e[0]", "e[1].f")

texts = st.sampled_from(
    [
        "",
        " ",
        "x",
        "X",
        " x ",
        "xy",
        "ÅŤ",
        "ﬁ",
        "3",
        "3.0",
        "50,000",
        "$5",
        "5,00",
        "true",
        "False",
        "yes",
        "İ",
        "ß",
    ]
) | st.text(max_size=6)
numbers = (
    st.sampled_from([0, 1, 3, 3.0, -1, 5, 50000, 0.1, 1e300, -1e-300, 10**30])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)
dates = st.sampled_from(
    [
        "2026-11-23",
        "2026-11-22",
        "2026-11-23T10:00:00Z",
        "2026-11-23T00:00:00",
        "2026-11-16T10:00:00+00:00",
        "0001-01-01",
        "9999-12-31",
        "9999-12-31T23:59:59-12:00",
        "2026-02-30",
        "23/11/2026",
    ]
) | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
scalars: SearchStrategy[Any] = st.none() | st.booleans() | numbers | texts | dates
values: SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["d", "f", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
records: SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"a": values, "b": values, "c": values, "e": values}
)
any_json: SearchStrategy[Any] = records | values
moments = st.sampled_from([datetime(2026, 11, 23, 10, 0, tzinfo=UTC)]) | st.datetimes(timezones=st.just(UTC))
contexts = st.builds(RecordContext, any_json, any_json | st.just(NOT_PUBLISHED), moments)
durations = st.sampled_from(["PT0S", "PT5M", "P1D", "P7D", "P1M", "P1Y2M3DT4H5M6.5S", "P9999Y", "P99999D"])

_reference = st.sampled_from(FIELDS).map(lambda field: {"field": field})
_something = scalars.filter(lambda value: value is not None)
_ordered = numbers | dates.filter(lambda text: text not in ("2026-02-30", "23/11/2026"))


def _value_for(takes: Takes) -> SearchStrategy[Any]:
    match takes:
        case Takes.NOTHING:
            return st.none()
        case Takes.ONE:
            return _something | st.lists(_something, max_size=3) | _reference
        case Takes.ORDERED:
            return _ordered | _reference
        case Takes.TEXT:
            return texts | _reference
        case Takes.LIST:
            return st.lists(_something | _reference, max_size=4)
        case Takes.RANGE:
            return st.lists(_ordered | _reference, min_size=2, max_size=2)
        case Takes.PATTERN:
            return st.sampled_from(["^x", "(?i)X$", "[0-9]+", ".", "a|b", r"\d{4}-\d\d"])
        case Takes.DATE:
            return dates | _reference
        case Takes.DURATION:
            return durations
        case Takes.FROM_TO:
            return st.fixed_dictionaries({"from": _something, "to": _something | _reference})


_BY_SHAPE = {takes: [operator.name for operator in OPERATORS if operator.takes is takes] for takes in Takes}


def _leaf(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op} if value is None else {"field": field, "op": op, "value": value}


leaf_documents: SearchStrategy[Any] = st.one_of(
    [
        st.builds(_leaf, st.sampled_from(FIELDS), st.sampled_from(names), _value_for(takes))
        for takes, names in _BY_SHAPE.items()
    ]
)
"""Comparisons of every operator; some are refused (a date that is none, an empty text to look for)."""

condition_documents: SearchStrategy[Any] = st.recursive(
    leaf_documents,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"all": members}),
        st.lists(inner, max_size=3).map(lambda members: {"any": members}),
        inner.map(lambda member: {"not": member}),
    ),
    max_leaves=6,
)
conditions: SearchStrategy[Condition] = condition_documents.map(condition)
