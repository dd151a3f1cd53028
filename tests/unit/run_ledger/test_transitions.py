"""Every arrow of the table at the top of `transitions.py` is taken here, and the table names them all."""

import re
from collections.abc import Iterator

import pytest

from run_ledger.domain import transitions
from run_ledger.domain.fold import fold
from run_ledger.domain.transitions import status
from signalbox_contracts.messages import EventJudged, JournalFact, RunRedacted
from tests.unit.run_ledger import facts

SEQ = 7
FACTS: dict[str, JournalFact] = {
    "ActionStarted": facts.action_started(SEQ),
    "ActionSucceeded": facts.succeeded(SEQ),
    "ActionFailed": facts.failed(SEQ),
    "RunWaiting": facts.waiting(SEQ),
    "RunSucceeded": facts.run_succeeded(SEQ),
    "RunFailed": facts.run_failed(SEQ),
    "RunCanceled": facts.run_canceled(SEQ),
    "LateResult": facts.late_result(),
    "RunRedacted": RunRedacted(
        tenant_id=facts.TENANT, module="leads", record_id="lead-42", at_ms=facts.T0, requested_by="ada"
    ),
}
BEFORE: dict[str, tuple[JournalFact, ...]] = {
    "running": (facts.judged(facts.started()),),
    "waiting": (facts.judged(facts.started()), facts.waiting(2)),
    "success": (facts.judged(facts.started()), facts.run_succeeded(2)),
    "failed": (facts.judged(facts.started()), facts.run_failed(2)),
    "canceled": (facts.judged(facts.started()), facts.run_canceled(2)),
    "skipped": (facts.judged(facts.skipped("wf-1")),),
}
ENDS = ("success", "failed", "canceled", "skipped")
FIRST = {
    "EventJudged started": (facts.judged(facts.started()), "running"),
    "EventJudged skipped": (facts.judged(facts.skipped("wf-1")), "skipped"),
    "EventJudged refused": (
        facts.judged(facts.skipped("wf-1", outcome="refused", reason="loop", detail="It is in the chain.")),
        "skipped",
    ),
}


def arrows() -> Iterator[tuple[str, str, str]]:
    """From, fact, to: the lines of the table, an arrow of several origins once for each."""
    for line in (transitions.__doc__ or "").splitlines():
        cells = re.split(r" {2,}", line.strip())
        if len(cells) < 3 or cells[0] == "from":
            continue
        origins = {"an end": ENDS, "any": tuple(BEFORE), "running, waiting": ("running", "waiting")}
        for origin in origins.get(cells[0], (cells[0],)):
            yield origin, cells[1], origin if cells[2] == "the same" else cells[2]


@pytest.mark.parametrize(("origin", "fact", "to"), list(arrows()))
def test_arrow(origin: str, fact: str, to: str) -> None:
    if origin == "-":
        message, expected = FIRST[fact]
        assert expected == to
        assert _status(message) == to
    elif fact == "EventJudged":
        before = BEFORE[origin]
        assert _status(*before, before[0]) == to
    else:
        assert _status(*BEFORE[origin], FACTS[fact]) == to


def test_the_table_is_whole() -> None:
    named = set(arrows())
    later = {(origin, fact) for origin, fact, _ in named if origin != "-"}
    assert later == {(origin, fact) for origin in BEFORE for fact in (*FACTS, "EventJudged")}
    assert {fact for origin, fact, _ in named if origin == "-"} == set(FIRST)


def _status(*messages: JournalFact) -> str:
    folded = fold(facts.as_facts(*messages))
    standings = [row.standing for row in folded.runs] + [row.standing for row in folded.skipped]
    assert len(standings) == 1
    return status(standings[0].state)


def test_a_fact_after_the_end_is_counted_and_changes_nothing() -> None:
    folded = fold(facts.as_facts(*BEFORE["success"], facts.succeeded(3)))
    assert [(defect.seq, defect.kind) for defect in folded.defects] == [(3, "after_end")]
    assert folded.attempts == []


def test_two_facts_of_one_number_are_counted_and_the_first_stays() -> None:
    judged = facts.judged(facts.started())
    folded = fold(facts.as_facts(judged, facts.succeeded(2), facts.failed(2)))
    assert [(defect.seq, defect.kind) for defect in folded.defects] == [(2, "conflict")]
    assert [row.outcome for row in folded.attempts] == ["success"]


def test_an_event_judged_for_three_workflows_is_kept_once() -> None:
    message = facts.judged(facts.started(), facts.skipped(), facts.started("wf-3"))
    folded = fold(facts.as_facts(message))
    assert len(folded.events) == 1
    assert folded.events[0].body == message.event
    assert (len(folded.runs), len(folded.skipped), len(folded.verdicts)) == (2, 1, 3)
    assert isinstance(message, EventJudged)
