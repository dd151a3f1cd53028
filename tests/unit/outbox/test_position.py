"""Where a relay begins, and that it cuts no group."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox_contracts.messages import OutboxPosition
from signalbox_runtime.outbox.errors import PositionAhead
from signalbox_runtime.outbox.position import OutboxRow, begin_after, whole_groups
from signalbox_runtime.records import Outbound

RECORD = Outbound("topic", b"k", b"v")


def position(last_id: int, generation: str = "g") -> OutboxPosition:
    return OutboxPosition(relay="r", generation=generation, last_id=last_id)


def test_a_relay_goes_on_after_its_position() -> None:
    assert begin_after(None, "g", 5) == 0
    assert begin_after(position(3), "g", 5) == 3
    assert begin_after(position(5), "g", 5) == 5


def test_a_position_of_another_generation_counts_nothing() -> None:
    assert begin_after(position(99, "before the restore"), "g", 5) == 0


def test_a_position_past_the_table_is_refused_with_what_to_do() -> None:
    with pytest.raises(PositionAhead, match=r"row 6.*up to 5.*generation"):
        begin_after(position(6), "g", 5)


@settings(max_examples=200)
@given(st.lists(st.booleans(), max_size=30))
def test_what_is_sent_ends_with_a_group_and_nothing_whole_is_left(ends: list[bool]) -> None:
    rows = [OutboxRow(number, RECORD, end) for number, end in enumerate(ends)]
    whole = whole_groups(rows)
    assert list(whole) == rows[: len(whole)]
    assert not whole or whole[-1].ends_group
    assert not any(row.ends_group for row in rows[len(whole) :])
