"""The laws of the fold: however a journal is cut, repeated and resumed, the tables come out the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from run_ledger.domain.beginning import parted
from run_ledger.domain.fold import fold
from run_ledger.domain.transitions import Standing, later, standing_after
from signalbox_contracts.messages import EventJudged, LateResult, RunRedacted
from tests.property.run_ledger import journals
from tests.property.run_ledger.tables import Tables
from tests.unit.run_ledger import facts


def tables_of(*batches: journals.Story) -> Tables:
    tables = Tables()
    for batch in batches:
        tables.take(facts.as_facts(*batch))
    return tables


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_batching_and_repetition_change_nothing(data: st.DataObject) -> None:
    told = data.draw(journals.journals())
    cut = data.draw(journals.batches(data.draw(journals.repeated(told))))
    assert tables_of(*cut).rows == tables_of(told).rows


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_crash_that_loses_the_commit_changes_nothing(data: st.DataObject) -> None:
    """After a crash what came after the last commit comes again, cut differently."""
    told = data.draw(journals.journals())
    crash = data.draw(st.integers(0, len(told)))
    resumed = data.draw(st.integers(0, crash))
    again = tables_of(told[:crash], *data.draw(journals.batches(told[resumed:])))
    assert again.rows == tables_of(told).rows


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_order_within_a_run_does_not_matter(data: st.DataObject) -> None:
    told = data.draw(journals.journals())
    shuffled = data.draw(st.permutations(told))
    # A fact after the end is a defect; one that is merely met late is none.
    assert tables_of(*data.draw(journals.batches(shuffled))).rows == tables_of(told).rows


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_contradictions_are_counted_once_in_any_batching(data: st.DataObject) -> None:
    told = data.draw(journals.journals())
    seqs = [fact for fact in told if not isinstance(fact, EventJudged | LateResult | RunRedacted)]
    for fact in data.draw(st.lists(st.sampled_from(seqs), max_size=3)) if seqs else []:
        told.append(facts.run_canceled(fact.seq, fact.run_id, action_id="another"))
    cut = data.draw(journals.batches(data.draw(journals.repeated(told))))
    assert tables_of(*cut).rows == tables_of(told).rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_batch_parts_without_loss(data: st.DataObject) -> None:
    told = data.draw(journals.journals())
    folded = fold(facts.as_facts(*told[data.draw(st.integers(0, len(told))) :]))
    beginning, following = parted(folded)
    for name in ("runs", "skipped", "attempts", "payloads", "events", "verdicts", "late", "defects"):
        both = [*getattr(beginning, name), *getattr(following, name)]
        assert sorted(map(repr, both)) == sorted(map(repr, getattr(folded, name))), name
    begun = {row.key for row in beginning.runs}
    assert all(row.start is not None for row in beginning.runs)
    for rows in (following.runs, following.attempts, following.payloads):
        assert begun.isdisjoint(row.key for row in rows)


FACTS = (facts.succeeded, facts.waiting, facts.run_succeeded, facts.run_failed)
standings = st.builds(lambda seq, make: standing_after(make(seq)), st.integers(2, 6), st.sampled_from(FACTS))


@given(standings, standings, standings)
def test_standings_meet_in_any_order(one: Standing, two: Standing, three: Standing) -> None:
    assert later(one, one) == one
    assert later(later(one, two), three) == later(one, later(two, three))
    if one.seq != two.seq:
        assert later(one, two) == later(two, one)
