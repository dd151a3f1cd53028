"""Can a condition hold, and can it fail?

Every field gets a set of values that stand for all others as far as the tree's own literals go: the
literals, their
neighbours, nothing, and something else. The tree is decided for their combinations. Comparisons that such
values cannot
stand for (patterns, parts of text, durations, other fields) count as free: they may hold or not. So a tree
is called
impossible only if it is; some impossible ones (`contains` against `not_contains`) are not found.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from itertools import combinations, pairwise, product
from types import MappingProxyType
from typing import Any, Final, assert_never

from signalbox_contracts.definitions.document import AllOf, AnyOf, Comparison, Condition, Not
from signalbox_contracts.definitions.durations import Duration
from signalbox_rules.operators.dates import shifted
from signalbox_rules.operators.operator import ChangeOperator, Test, TimeOperator, ValueOperator
from signalbox_rules.operators.registry import OPERATORS_BY_NAME
from signalbox_rules.reading import read_moment, read_number
from signalbox_rules.references import has_reference

NUMBER_MAX: Final = 10**300
COMBINATIONS_MAX: Final = 5_000  # decided at publish in some 20 ms; a larger tree is not judged
VALUES_MAX: Final = 80  # of one field; comparisons over two values look at the square of it
_SUBSETS_OF_MAX: Final = 5

_SOMETHING_ELSE: Final[tuple[Any, ...]] = (
    "\u2400 something else",
    "\u2400 something other",
    0.123456789,
    [],
    ["\u2400 something else"],
)
_FREE: Final = frozenset({"contains", "not_contains", "starts_with", "ends_with", "matches"})


class Possible(Enum):
    """What a condition's outcome can be."""

    NEVER = "never"
    ALWAYS = "always"
    BOTH = "both"


Atom = tuple[str, str, str]
"""(field, operator, value as text): two equal comparisons are one atom."""


def possible_outcomes(condition: Condition, known: Mapping[str, Any] = MappingProxyType({})) -> Possible:
    """What the outcome can be; BOTH also where the tree is too large to tell.

    `known` are fields whose value is certain. Raises RulesError if a comparison cannot be compiled.
    """
    groups, free = _grouped(condition)
    seen: set[bool] = set()
    for is_published in (True, False):
        choices: list[Sequence[tuple[bool, ...]]] = [
            _outcomes(list(group.values()), known, is_published=is_published) for group in groups
        ]
        choices.extend(((False,), (True,)) for _ in free)
        names = [*(list(group) for group in groups), *([atom] for atom in free)]
        if _size(choices) > COMBINATIONS_MAX:
            return Possible.BOTH
        for combination in product(*choices):
            pairs = [
                pair
                for group, held in zip(names, combination, strict=True)
                for pair in zip(group, held, strict=True)
            ]
            seen.add(_decide(condition, dict(pairs)))
            if len(seen) == 2:
                return Possible.BOTH
    return Possible.ALWAYS if True in seen else Possible.NEVER


def _grouped(condition: Condition) -> tuple[list[dict[Atom, Comparison]], list[Atom]]:
    """The comparisons that values can stand for, by field; and the free ones."""
    atoms = {_atom(leaf): leaf for leaf in _leaves(condition)}
    free = [atom for atom, leaf in atoms.items() if _is_free(leaf)]
    by_field: dict[str, dict[Atom, Comparison]] = {}
    for atom, leaf in atoms.items():
        if atom not in free:
            by_field.setdefault(leaf.field, {})[atom] = leaf
    groups = []
    for group in by_field.values():
        if len(_standing_for_all(list(group.values()))) > VALUES_MAX:
            free.extend(group)
        else:
            groups.append(group)
    return groups, free


def _size(choices: Sequence[Sequence[Any]]) -> int:
    size = 1
    for choice in choices:
        size *= len(choice)
        if size > COMBINATIONS_MAX:
            break
    return size


def _atom(leaf: Comparison) -> Atom:
    return (leaf.field, leaf.op, repr(leaf.value))


def _is_free(leaf: Comparison) -> bool:
    operator = OPERATORS_BY_NAME[leaf.op]
    return isinstance(operator, TimeOperator) or leaf.op in _FREE or has_reference(leaf.value)


def _leaves(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case Comparison():
            yield condition
        case AllOf(all=members) | AnyOf(any=members):
            for member in members:
                yield from _leaves(member)
        case Not(not_=member):
            yield from _leaves(member)
        case _:
            assert_never(condition)


def _decide(condition: Condition, known: dict[Atom, bool]) -> bool:
    match condition:
        case Comparison():
            return known[_atom(condition)]
        case AllOf(all=members):
            return all(_decide(member, known) for member in members)
        case AnyOf(any=members):
            return any(_decide(member, known) for member in members)
        case Not(not_=member):
            return not _decide(member, known)
        case _:
            assert_never(condition)


def _outcomes(
    leaves: Sequence[Comparison], known: Mapping[str, Any], *, is_published: bool
) -> list[tuple[bool, ...]]:
    """The different ways in which one field can satisfy its comparisons."""
    values = _standing_for_all(leaves)
    tests = [_test(leaf) for leaf in leaves]
    looks_back = any(isinstance(OPERATORS_BY_NAME[leaf.op], ChangeOperator) for leaf in leaves)
    nows = [known[leaves[0].field]] if leaves[0].field in known else values
    befores = values if looks_back and is_published else [None]
    ways = {
        tuple(test(now, before, is_published) for test in tests): None for now in nows for before in befores
    }
    return list(ways)


def _test(leaf: Comparison) -> Any:
    operator = OPERATORS_BY_NAME[leaf.op]
    test: Test = operator.prepare(leaf.value)
    if isinstance(operator, ValueOperator):
        return lambda now, _before, _is_published: test(now)
    return lambda now, before, is_published: is_published and test(now, before)


def _standing_for_all(leaves: Sequence[Comparison]) -> list[Any]:
    """Values of which one behaves like any other value towards these comparisons."""
    literals = [literal for leaf in leaves for literal in _literals(leaf.value)]
    values: list[Any] = [
        None,
        True,
        False,
        *_SOMETHING_ELSE,
        *literals,
        *_numbers(literals),
        *_dates(literals),
    ]
    scalars = list({repr(literal): literal for literal in literals if not isinstance(literal, list)}.values())
    sizes = range(1, len(scalars) + 1) if len(scalars) <= _SUBSETS_OF_MAX else (1, 2, len(scalars))
    for size in sizes:
        members = combinations(scalars, size) if len(scalars) <= VALUES_MAX else ()
        values.extend(
            several for subset in members for several in (list(subset), [*subset, _SOMETHING_ELSE[0]])
        )
    return list({repr(value): value for value in values}.values())


def _numbers(literals: Sequence[Any]) -> Iterator[float]:
    found = {number for literal in literals if (number := read_number(literal)) is not None}
    # Larger ones are not compared with neighbours: their sums and halves leave the range of a float.
    numbers = sorted(number for number in found if -NUMBER_MAX < number < NUMBER_MAX)
    if not numbers:
        numbers = [0]
    # One less may be the same again: floats have no 1e16 - 1.
    yield from (min(numbers[0] - 1, math.nextafter(numbers[0], -math.inf)), *numbers)
    yield max(numbers[-1] + 1, math.nextafter(numbers[-1], math.inf))
    for low, high in pairwise(numbers):
        yield low / 2 + high / 2
        yield int(low) + (int(high) - int(low)) // 2  # exact, where a float is not


def _dates(literals: Sequence[Any]) -> Iterator[str]:
    moments = [moment for literal in literals if (moment := read_moment(literal)) is not None]
    edges = sorted({edge for moment in moments for edge in (moment.start, moment.end)})
    if not edges:
        yield "2000-01-01"
    for edge in edges:
        for days in (-2, -1, 0, 1, 2):
            day = shifted(edge, Duration(0, timedelta(days=abs(days))), 1 if days > 0 else -1)
            yield day.isoformat()
            yield day.date().isoformat()
        yield shifted(edge, Duration(0, timedelta(microseconds=1)), 1).isoformat()
        yield shifted(edge, Duration(0, timedelta(microseconds=1)), -1).isoformat()
    for low, high in pairwise(edges):
        middle = low + (high - low) / 2
        yield middle.isoformat()
        yield middle.date().isoformat()


def _literals(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield value
        for member in value:
            yield from _literals(member)
    elif isinstance(value, dict):
        for member in value.values():
            yield from _literals(member)
    elif value is not None:
        yield value
