"""What is wrong with a condition: comparisons that cannot be made, that do not fit the field, or that
decide nothing.
"""

from collections.abc import Iterator
from typing import Any, Final, assert_never

from signalbox_contracts.definitions.document import AllOf, AnyOf, Comparison, Condition, Not, Problem
from signalbox_rules.comparisons import compile_comparison
from signalbox_rules.errors import RefusedCondition
from signalbox_rules.operators.operator import BOOLEANS, DATES, EVERY, LISTS, NUMBERS, Operator, Takes
from signalbox_rules.operators.registry import OPERATORS, OPERATORS_BY_NAME
from signalbox_rules.paths import parse_path
from signalbox_rules.reading import is_empty, read_moment, read_number, read_truth, text_key
from signalbox_rules.record_catalog import RecordField, RecordModule
from signalbox_rules.references import has_reference, is_reference
from signalbox_rules.satisfiability import Possible, possible_outcomes

_PART_OF_TEXT: Final = frozenset({"contains", "not_contains"})
_KIND: Final = {
    "number": "a number",
    "money": "a number",
    "date": "a date, such as 2026-11-23",
    "datetime": "a date or a date and time, such as 2026-11-23T10:00:00Z",
}


def condition_problems(condition: Condition, module: RecordModule | None) -> list[Problem]:
    """All of them, with pointers from the root of the document."""
    problems: list[Problem] = []
    for pointer, comparison in comparisons_of(condition, "/conditions"):
        problems.extend(_comparison_problems(comparison, pointer, module))
    if not any(problem.severity == "error" for problem in problems):
        problems.extend(_outcome_problems(condition))
    return problems


def comparisons_of(condition: Condition, pointer: str) -> Iterator[tuple[str, Comparison]]:
    """(pointer, comparison) of every leaf."""
    match condition:
        case Comparison():
            yield pointer, condition
        case AllOf(all=members):
            for index, member in enumerate(members):
                yield from comparisons_of(member, f"{pointer}/all/{index}")
        case AnyOf(any=members):
            for index, member in enumerate(members):
                yield from comparisons_of(member, f"{pointer}/any/{index}")
        case Not(not_=member):
            yield from comparisons_of(member, f"{pointer}/not")
        case _:
            assert_never(condition)


def _outcome_problems(condition: Condition) -> Iterator[Problem]:
    match possible_outcomes(condition):
        case Possible.NEVER:
            yield Problem(
                "/conditions",
                "can never hold: no record satisfies all of it, so the workflow would never run",
            )
        case Possible.ALWAYS:
            yield Problem(
                "/conditions", "always holds: every record satisfies it, so it could be left out", "warning"
            )
        case Possible.BOTH:
            return


def _comparison_problems(
    comparison: Comparison, pointer: str, module: RecordModule | None
) -> Iterator[Problem]:
    try:
        compile_comparison(comparison, pointer)
    except RefusedCondition as error:
        yield Problem(error.pointer, error.detail)
        return
    if module is None:
        return
    operator = OPERATORS_BY_NAME[comparison.op]
    path = parse_path(comparison.field)
    if not module.knows(path):
        yield Problem(f"{pointer}/field", _unknown(comparison.field, module), "warning")
    field = module.field_at(path)
    if field is not None:
        yield from _fit_problems(comparison, operator, field, module, pointer)
    if has_reference(comparison.value):
        for name in _references(comparison.value):
            if not module.knows(parse_path(name)):
                yield Problem(f"{pointer}/value", _unknown(name, module), "warning")


def _unknown(field: str, module: RecordModule) -> str:
    return f"{module.name} has no field {field!r} in the CRM's catalog, so it would count as empty"


def _references(value: Any) -> Iterator[str]:
    members = [value] if is_reference(value) else value.values() if isinstance(value, dict) else value
    yield from (member["field"] for member in members if is_reference(member))


def _fit_problems(
    comparison: Comparison, operator: Operator, field: RecordField, module: RecordModule, pointer: str
) -> Iterator[Problem]:
    if field.type in EVERY and field.type not in operator.fits:
        fitting = ", ".join(other.name for other in OPERATORS if field.type in other.fits)
        yield Problem(
            f"{pointer}/op", f"{operator.name} does not fit {field.name}, a {field.type}; these do: {fitting}"
        )
        return
    if operator.takes in (Takes.ORDERED, Takes.RANGE):
        for place, value in _literals(comparison.value, f"{pointer}/value"):
            if field.type in _KIND and (read_number(value) is not None) is not (field.type in NUMBERS):
                yield Problem(place, f"{field.name} is a {field.type}; compare it with {_KIND[field.type]}")
        return
    if operator.takes not in (Takes.ONE, Takes.LIST, Takes.FROM_TO):
        return
    if operator.takes is Takes.ONE and isinstance(comparison.value, list) and field.type not in LISTS:
        detail = f"{field.name} is a {field.type} and never equal to a list; in compares with any of several"
        yield Problem(f"{pointer}/value", detail)
    elif operator.name not in _PART_OF_TEXT or field.type in LISTS:
        for place, value in _literals(comparison.value, f"{pointer}/value"):
            yield from _value_problems(value, field, module, place)


def _literals(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if is_reference(value) or is_empty(value):
        return
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from _literals(member, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _literals(member, f"{pointer}/{name}")
    else:
        yield pointer, value


def _value_problems(value: Any, field: RecordField, module: RecordModule, place: str) -> Iterator[Problem]:
    options = module.options_of(parse_path(field.name))
    if field.type in NUMBERS:
        if isinstance(value, bool | str) or read_number(value) is None:
            detail = f"{field.name} is a {field.type}; write a number without quotes, such as 50000"
            yield Problem(place, detail)
    elif field.type in BOOLEANS:
        if read_truth(value) is None or isinstance(value, str):
            yield Problem(place, f"{field.name} is a boolean; write true or false without quotes")
    elif options:
        if text_key(str(value)) not in {text_key(option) for option in options}:
            yield Problem(place, f"{value!r} is not a value of {field.name}; there are {', '.join(options)}")
    elif field.type in DATES:
        moment = read_moment(value)
        if moment is None or (moment.is_date and field.type == "datetime"):
            detail = (
                f"{field.name} is a {field.type}, and is compared as text; on, before and after know dates"
            )
            yield Problem(place, detail, "warning")
