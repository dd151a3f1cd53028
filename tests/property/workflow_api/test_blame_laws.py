"""What the pattern of a condition's leaves means is what the condition itself says."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from signalbox_contracts.definitions.document import Condition
from signalbox_rules.conditions import compile_condition
from signalbox_rules.record_context import RecordContext
from workflow_api.domain.blame import Leaves

FIELDS = ("a", "b", "c")
_conditions: TypeAdapter[Condition] = TypeAdapter(Condition)
leaves = st.builds(lambda field: {"field": field, "op": "is_true"}, st.sampled_from(FIELDS))
trees: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda members: {"all": members}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda members: {"any": members}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda member: {"not": member}, inner)
    ),
    max_leaves=8,
)
records = st.fixed_dictionaries({field: st.booleans() for field in FIELDS})


@given(trees, records)
def test_a_pattern_means_what_the_condition_decides(tree: Any, record: dict[str, bool]) -> None:
    condition = _conditions.validate_python(tree)
    context = RecordContext(record, None, datetime(2026, 11, 23, tzinfo=UTC))
    found = Leaves(condition)
    meaning = found.meaning(found.pattern(context))
    assert meaning.outcome is compile_condition(condition).decide(context)
    assert not (meaning.outcome and meaning.blamed)


@given(trees, records)
def test_turning_the_blamed_leaves_would_have_made_it_a_yes(tree: Any, record: dict[str, bool]) -> None:
    found = Leaves(_conditions.validate_python(tree))
    pattern = found.pattern(RecordContext(record, None, datetime(2026, 11, 23, tzinfo=UTC)))
    blamed = {leaf.pointer for leaf in found.meaning(pattern).blamed}
    turned = sum(1 << n for n, pointer in enumerate(pointers(tree, "/conditions")) if pointer in blamed)
    assert found.meaning(pattern ^ turned).outcome


def pointers(tree: Any, pointer: str) -> list[str]:
    """The places of the leaves, in the order of the document."""
    match tree:
        case {"all": members} | {"any": members}:
            (group,) = tree
            return [
                each
                for number, member in enumerate(members)
                for each in pointers(member, f"{pointer}/{group}/{number}")
            ]
        case {"not": member}:
            return pointers(member, f"{pointer}/not")
        case _:
            return [pointer]
