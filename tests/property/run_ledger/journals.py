"""Journals as Hypothesis makes them: runs go their way; facts are repeated and cut into batches."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import strategies as st

from signalbox_contracts.messages import JournalFact
from tests.unit.run_ledger import facts

Story = list[JournalFact]


@st.composite
def story(draw: st.DrawFn, workflow_id: str, event_id: str) -> Story:
    """The facts of one started run, in order: tries, waits, a late answer, an end or none yet."""
    run = facts.run_id(event_id, workflow_id)
    told: Story = []
    seq = 1
    for index in range(draw(st.integers(0, 3))):
        for attempt in range(1, draw(st.integers(1, 3)) + 1):
            for make in draw(st.sampled_from(WAYS)):
                seq += 1
                told.append(make(seq, index, run, attempt=attempt, at_ms=facts.T0 + seq))
    if draw(st.booleans()):
        told.append(facts.late_result(run, facts.T0 + draw(st.integers(1, 3))))
    end: Callable[..., Any] | None = draw(
        st.sampled_from((None, facts.run_succeeded, facts.run_failed, facts.run_canceled))
    )
    if end is not None:
        later_ms = draw(st.sampled_from((0, 400_000, 90_000_000)))  # in another bucket, on another day
        told.append(msgspec.structs.replace(end(seq + 1, run), at_ms=facts.T0 + 10 * seq + later_ms))
    return told


WAYS: tuple[tuple[Callable[..., JournalFact], ...], ...] = (
    (facts.succeeded,),
    (facts.action_started, facts.succeeded),
    (facts.action_started, facts.waiting),
    (facts.waiting, facts.succeeded),
    (facts.failed,),
    (facts.waiting, facts.failed),
    (lambda seq, index, run, **rest: facts.succeeded(seq, index, run, record=b"{}", **rest),),
    (
        lambda seq, index, run, **rest: facts.waiting(
            seq, index, run, waiting_for="person", deadline_ms=None, token=b"token", **rest
        ),
    ),
)


@st.composite
def journals(draw: st.DrawFn) -> Story:
    """Several events, each judged by one to three workflows; a run's facts in order, runs interleaved."""
    lines: list[Story] = []
    for number in range(draw(st.integers(1, 3))):
        event_id = f"evt-{number}"
        judgements = []
        for workflow in range(draw(st.integers(1, 3))):
            workflow_id = f"wf-{workflow}"
            if draw(st.booleans()):
                judgements.append(facts.started(workflow_id, event_id))
                lines.append([facts.judged(*judgements[-1:], source=facts.event(event_id))])
                lines[-1].extend(draw(story(workflow_id, event_id)))
            else:
                judgement = facts.skipped(workflow_id, event_id)
                lines.append([facts.judged(judgement, source=facts.event(event_id))])
    return draw(interleaved(lines))


@st.composite
def interleaved(draw: st.DrawFn, lines: list[Story]) -> Story:
    """One order of all facts that keeps the order within each line."""
    waiting = [list(line) for line in lines if line]
    told: Story = []
    while waiting:
        line = waiting[draw(st.integers(0, len(waiting) - 1))]
        told.append(line.pop(0))
        waiting = [each for each in waiting if each]
    return told


@st.composite
def repeated(draw: st.DrawFn, told: Story) -> Story:
    """The same, with facts told again some time after they were told first."""
    again = list(told)
    for at in draw(st.lists(st.integers(0, max(len(told) - 1, 0)), max_size=5)) if told else []:
        later = draw(st.integers(again.index(told[at]) + 1, len(again)))
        again.insert(later, told[at])
    return again


@st.composite
def batches(draw: st.DrawFn, told: Story) -> list[Story]:
    """Cut anywhere; a batch may be met twice in part, as after a crash between the read and the commit."""
    cuts = sorted(draw(st.lists(st.integers(0, len(told)), max_size=6)))
    edges = [0, *cuts, len(told)]
    return [told[begin:end] for begin, end in pairwise(edges)]
