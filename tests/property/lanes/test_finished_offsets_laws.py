"""Laws of the text beside a committed offset."""

from hypothesis import given
from hypothesis import strategies as st

from signalbox_runtime.loops.lanes import finished_offsets

BASE_MAX = 2**40


@st.composite
def finished_ranges(draw: st.DrawFn) -> tuple[int, tuple[range, ...]]:
    """A base, and ascending ranges from it on that neither overlap nor touch (but for the first)."""
    base = draw(st.integers(0, BASE_MAX))
    small_or_large = st.one_of(st.integers(1, 4), st.integers(1, 100_000))
    ranges: list[range] = []
    position = base + draw(st.integers(0, 300))
    for length, gap in draw(st.lists(st.tuples(small_or_large, small_or_large), max_size=60)):
        ranges.append(range(position, position + length))
        position += length + gap
    return base, tuple(ranges)


@given(finished_ranges())
def test_what_is_encoded_is_decoded(case: tuple[int, tuple[range, ...]]) -> None:
    base, finished = case
    assert finished_offsets.decode(base, finished_offsets.encode(base, finished)) == finished


@given(finished_ranges())
def test_the_text_is_never_longer_than_either_form_may_be(case: tuple[int, tuple[range, ...]]) -> None:
    base, finished = case
    text = finished_offsets.encode(base, finished)
    payload = (len(text) - 1) * 3 // 4 if text else 0
    span = finished[-1].stop - base if finished else 0
    # As many unfinished runs as finished ones, one of them possibly empty.
    assert payload <= max(0, min((span + 7) // 8, finished_offsets.runs_max_bytes(len(finished), span)))
    assert text.isascii()


@given(finished_ranges(), st.integers(0, 200_000))
def test_what_is_left_from_a_later_base_on_is_never_longer_by_more_than_a_byte(
    case: tuple[int, tuple[range, ...]], later: int
) -> None:
    base, finished = case
    new_base = base + later
    left = tuple(range(max(run.start, new_base), run.stop) for run in finished if run.stop > new_base)
    assert len(finished_offsets.encode(new_base, left)) <= len(finished_offsets.encode(base, finished))
