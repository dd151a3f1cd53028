"""Laws of the identifiers."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from signalbox_contracts import ids

TIME = st.integers(0, 2**48 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PARTS = st.lists(TEXT, max_size=4)


@given(PARTS, PARTS)
def test_only_the_same_list_of_parts_has_the_same_digest(one: list[str], other: list[str]) -> None:
    assert (ids.digest(*one) == ids.digest(*other)) == (one == other)


@given(TIME, TEXT, TEXT, TEXT, st.integers(0, 99))
def test_a_run_id_keeps_its_time_and_its_form(
    time_ms: int, tenant: str, event: str, workflow: str, number: int
) -> None:
    run = ids.run_id(time_ms, tenant, event, workflow, number)

    assert ids.run_id_time_ms(run) == time_ms
    assert UUID(run).version == 8
    assert str(UUID(run)) == run


@given(TIME, TIME, TEXT, TEXT, TEXT)
def test_run_ids_sort_by_time(one_ms: int, other_ms: int, tenant: str, event: str, workflow: str) -> None:
    one, other = (ids.run_id(each, tenant, event, workflow) for each in (one_ms, other_ms))

    assert (one < other) == (one_ms < other_ms)


@given(TIME, TIME)
def test_the_time_of_a_run_is_always_near_its_append_time(occurred_at_ms: int, appended_at_ms: int) -> None:
    time_ms = ids.run_time_ms(occurred_at_ms, appended_at_ms)

    assert time_ms in {occurred_at_ms, appended_at_ms}
    assert appended_at_ms - ids.OLDEST_BELIEVED_MS <= time_ms <= appended_at_ms + ids.NEWEST_BELIEVED_MS


@given(TEXT.filter(lambda text: "/" not in text), st.sampled_from(["leads", "tasks"]), TEXT, TEXT)
def test_two_records_never_share_a_lane(tenant: str, module: str, one: str, other: str) -> None:
    assert (ids.lane(tenant, module, one) == ids.lane(tenant, module, other)) == (one == other)
