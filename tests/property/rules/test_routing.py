"""Laws of routing and of the guards: what starts depends on the events and nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from signalbox_contracts.definitions.document import Trigger
from signalbox_rules.conditions import compile_condition
from signalbox_rules.guards import RUNS_PER_WINDOW_MAX, WINDOW, Allowed, RecentRuns, guard_loop, guard_rate
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.modules.registry import EVENTS, specific_events
from signalbox_rules.narrowing import Change
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext
from signalbox_rules.triggers import TriggerIndex
from tests.unit.rules.builders import NOW, condition, leaf

LAW: Final = settings(max_examples=100, deadline=None)

_stages = st.sampled_from(["New", "new ", "Won", "Lost"])
_records = st.fixed_dictionaries(
    {}, optional={"a": st.integers(0, 2), "stage": _stages | st.none(), "c": st.just({"d": 1})}
)
_befores = _records | st.none() | st.just(NOT_PUBLISHED)
_narrowings: SearchStrategy[Any] = st.one_of(
    st.just({}),
    st.lists(st.sampled_from(["a", "stage", "c.d", "c.e", "x"]), min_size=1, max_size=3).map(
        lambda names: {"fields": names}
    ),
    st.fixed_dictionaries({}, optional={"from": _stages, "to": st.lists(_stages, min_size=1, max_size=2)}),
)
_active = st.builds(
    lambda tenant, number, pair, narrow: ActiveWorkflow(
        tenant,
        f"w{number}",
        1,
        "",
        Trigger.model_validate({"module": pair[0], "event": pair[1], **narrow}),
        "avoid",
    ),
    st.sampled_from(["acme", "other"]),
    st.integers(0, 12),
    st.sampled_from(list(EVENTS)),
    _narrowings,
)


@given(
    st.lists(_active, max_size=15),
    st.sampled_from(["acme", "other"]),
    st.sampled_from(list(EVENTS)),
    _records,
    _befores,
)
@settings(LAW, max_examples=200)
def test_the_index_finds_what_a_search_would(
    workflows: list[ActiveWorkflow], tenant: str, pair: tuple[str, str], record: Any, previous: Any
) -> None:
    module, event = pair
    index = TriggerIndex.build(workflows)
    latest = {(workflow.tenant_id, workflow.workflow_id): workflow for workflow in workflows}
    expected = sorted(
        workflow.workflow_id
        for workflow in latest.values()
        if workflow.tenant_id == tenant
        and workflow.trigger.module == module
        and event in specific_events(module, workflow.trigger.event)
        and Change(record, previous).satisfies(workflow.trigger)
    )
    found = index.match(tenant, module, event, lambda: (record, previous))
    assert [workflow.workflow_id for workflow in found] == expected
    assert index.listens(tenant, module, event) or not expected


@given(st.lists(_active, max_size=15), st.lists(st.integers(0, 12), max_size=8))
@LAW
def test_an_index_that_was_changed_is_an_index_that_was_built(
    workflows: list[ActiveWorkflow], removed: list[int]
) -> None:
    index = TriggerIndex.build(())
    left: dict[tuple[str, str], ActiveWorkflow] = {}
    for workflow in workflows:
        index = index.with_workflow(workflow)
        left[workflow.tenant_id, workflow.workflow_id] = workflow
    for number in removed:
        index = index.without_workflow("acme", f"w{number}")
        left.pop(("acme", f"w{number}"), None)
    assert index == TriggerIndex.build(left.values())


@dataclass(frozen=True)
class Event:
    """An event of one record, as the guards see it."""

    second: int
    amount: int
    chain: tuple[str, ...]


_chains = st.sampled_from([(), ("v",), ("v", "w"), ("v",) * 11])
_events = st.lists(st.builds(Event, st.integers(0, 900), st.integers(0, 3), _chains), max_size=40)
_seconds = st.lists(st.integers(0, 900), max_size=60)
"""Times of events that all start a run if the rate allows."""


def started(events: list[Event], recent: RecentRuns) -> tuple[list[bool], RecentRuns]:
    """Which events start a run of workflow `w`: loop guard, condition, rate guard, as the services do it."""
    compiled = compile_condition(condition(leaf("amount", "greater_than", 0)))
    runs = []
    for event in events:
        time = NOW + timedelta(seconds=event.second)
        allowed = isinstance(guard_loop("w", "avoid", event.chain, len(event.chain)), Allowed)
        holds = compiled.decide(RecordContext({"amount": event.amount}, None, time))
        if allowed and holds:
            decision, recent = guard_rate(recent, time)
            runs.append(isinstance(decision, Allowed))
        else:
            runs.append(False)
    return runs, recent


@given(_events, st.lists(st.integers(1, 10), max_size=20))
@LAW
def test_the_same_events_in_any_batch_split_give_the_same_runs(events: list[Event], sizes: list[int]) -> None:
    at_once, _ = started(events, RecentRuns())
    in_batches: list[bool] = []
    recent, position = RecentRuns(), 0
    for size in [*sizes, len(events)]:
        runs, recent = started(events[position : position + size], recent)
        in_batches.extend(runs)
        position += size
    assert in_batches == at_once


def _runs_at(seconds: list[int]) -> tuple[list[int], RecentRuns]:
    """The seconds at which a run started."""
    runs, recent = started([Event(second, 1, ()) for second in seconds], RecentRuns())
    return [second for second, ran in zip(seconds, runs, strict=True) if ran], recent


@given(_seconds)
@LAW
def test_the_rate_is_kept(seconds: list[int]) -> None:
    times, _ = _runs_at(sorted(seconds))
    for first, last in zip(times, times[RUNS_PER_WINDOW_MAX:], strict=False):
        assert last - first >= WINDOW.total_seconds()


@given(_seconds)
@LAW
def test_events_out_of_order_never_make_the_memory_grow(seconds: list[int]) -> None:
    assert len(_runs_at(seconds)[1].started) <= RUNS_PER_WINDOW_MAX
