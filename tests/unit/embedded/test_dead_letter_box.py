"""What lies among the dead letters, and which of them may be sent back."""

import pytest

from signalbox_embedded.dead_letter_box import REDRIVEN, DeadLetter, choose, letters_of
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime.dead_letters import dead_letter
from signalbox_runtime.records import Inbound


def given_up(offset: int, topic: str = "crm.leads", key: bytes | None = b"demo/leads/1") -> Inbound:
    """A record of the topic `dead-letters`, as the runtime library writes it."""
    source = Inbound(
        topic=topic,
        partition=3,
        offset=offset + 100,
        timestamp_ms=1,
        key=key,
        value=b"?",
        headers=(("ce_id", b"e"),),
    )
    letter = dead_letter(source, "trigger-router", "not an event", at_ms=9)
    return Inbound(
        topic="dead-letters",
        partition=0,
        offset=offset,
        timestamp_ms=10,
        key=letter.key,
        value=letter.value,
        headers=letter.headers,
    )


def note(name: str, offset: int) -> Inbound:
    return Inbound(
        topic="dead-letters",
        partition=1,
        offset=offset,
        timestamp_ms=11,
        key=b"",
        value=None,
        headers=((REDRIVEN, name.encode()),),
    )


def test_a_letter_shows_its_source_and_only_its_own_headers() -> None:
    assert letters_of([given_up(5)]) == (
        DeadLetter(
            name="0-5",
            source_topic="crm.leads",
            source_place="crm.leads-3@105",
            service="trigger-router",
            error="not an event",
            given_up_at_ms=9,
            key=b"demo/leads/1",
            value=b"?",
            headers=(("ce_id", b"e"),),
        ),
    )


@pytest.mark.parametrize("note_first", [False, True])
def test_a_note_marks_its_letter_wherever_it_lies(note_first: bool) -> None:
    records = [given_up(5), given_up(6)]
    records.insert(0 if note_first else 2, note("0-5", 0))
    assert [(letter.name, letter.redriven) for letter in letters_of(records)] == [
        ("0-5", True),
        ("0-6", False),
    ]


def test_all_leaves_out_what_was_sent_back_and_what_has_no_key() -> None:
    letters = letters_of([given_up(1), given_up(2, "crm.tasks"), given_up(3, key=None), note("0-1", 0)])
    assert [letter.name for letter in choose(letters, (), None)] == ["0-2"]
    assert choose(letters, (), "crm.leads") == ()


@pytest.mark.parametrize(
    ("name", "says"), [("0-9", "no dead letter 0-9"), ("0-1", "was sent back before"), ("0-3", "has no key")]
)
def test_a_name_that_can_not_be_sent_back_says_why(name: str, says: str) -> None:
    letters = letters_of([given_up(1), given_up(2), given_up(3, key=None), note("0-1", 0)])
    with pytest.raises(EmbeddedError, match=says):
        choose(letters, ("0-2", name), None)


def test_a_name_given_twice_is_sent_back_once() -> None:
    assert len(choose(letters_of([given_up(1)]), ("0-1", "0-1"), None)) == 1
