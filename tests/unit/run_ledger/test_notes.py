"""What listeners are told of a batch."""

from run_ledger.adapters.projection.notes import IDS_PER_NOTE, MANY, NOTES_MAX, notes
from run_ledger.domain.rows import RunKey
from tests.unit.run_ledger import facts

NOTE_MAX_BYTES = 8_000
"""PostgreSQL's limit of one payload."""


def keys(tenant_id: str, count: int) -> list[RunKey]:
    return [RunKey(tenant_id, facts.run_id(f"evt-{number}")) for number in range(count)]


def test_each_tenant_is_told_of_its_own_runs() -> None:
    told = notes([*keys("acme", 2), *keys("demo", 1)])
    assert [note.split(" ")[0] for note in told] == ["acme", "demo"]
    assert told[0] == "acme " + ",".join(key.run_id for key in keys("acme", 2))
    assert notes([]) == []


def test_a_note_fits_and_all_runs_are_told_of_up_to_the_limit() -> None:
    told = notes(keys("t" * 63, IDS_PER_NOTE * NOTES_MAX))
    assert max(map(len, told)) < NOTE_MAX_BYTES
    assert sum(note.count(",") + 1 for note in told) == IDS_PER_NOTE * NOTES_MAX


def test_more_are_told_of_as_many() -> None:
    assert notes(keys("demo", IDS_PER_NOTE * NOTES_MAX + 1)) == [f"demo {MANY}"]
