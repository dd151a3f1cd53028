"""The text beside a committed offset."""

import pytest

from signalbox_runtime.loops.lanes import finished_offsets
from signalbox_runtime.loops.lanes.errors import UnreadableMetadata


def test_nothing_finished_is_no_text() -> None:
    assert finished_offsets.encode(100, ()) == ""
    assert finished_offsets.decode(100, "") == ()


def test_the_written_form_of_run_lengths_stays_readable() -> None:
    # 3 unfinished, 2 finished, 200 unfinished (two bytes), 1 finished: 03 02 C8 01 01
    assert finished_offsets.encode(100, (range(103, 105), range(305, 306))) == "rAwLIAQE"
    assert finished_offsets.decode(100, "rAwLIAQE") == (range(103, 105), range(305, 306))


def test_the_written_form_of_a_bitmap_stays_readable() -> None:
    # Every second offset of 16: runs would need 15 bytes, the bitmap AA AA needs two.
    finished = tuple(range(offset, offset + 1) for offset in range(101, 117, 2))
    assert finished_offsets.encode(100, finished) == "bqqo"
    assert finished_offsets.decode(100, "bqqo") == finished


def test_one_stuck_record_before_a_million_finished_ones_takes_a_few_bytes() -> None:
    assert len(finished_offsets.encode(5, (range(6, 1_000_006),))) <= 7


@pytest.mark.parametrize("text", ["x", "hello", "r!!!", "rgA", "rAw", "\u00e9", "r\u00e9\u00e9\u00e9\u00e9"])
def test_a_text_of_somebody_else_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(UnreadableMetadata, match=r"offset 7 .* commit the offset again without metadata"):
        finished_offsets.decode(7, text)


def test_the_payload_that_fits_is_the_largest_that_does() -> None:
    for text_max_bytes in range(10, 4_097):
        payload = finished_offsets.payload_max_bytes(text_max_bytes)
        assert 1 + -(-payload * 4 // 3) <= text_max_bytes
        assert 1 + -(-(payload + 1) * 4 // 3) > text_max_bytes
