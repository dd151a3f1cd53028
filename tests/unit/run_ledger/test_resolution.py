"""How an unknown action is settled: the facts go on from the wait's number, and one token goes on at most."""

from typing import Any, Literal

import pytest

from run_ledger.domain.resolution import Resolution, Settlement, moves
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import (
    ActionError,
    ActionFailed,
    ActionRequested,
    ActionStep,
    ActionSucceeded,
    RetryPolicy,
    RunFailed,
    RunSucceeded,
)
from tests.unit.run_ledger import facts

POLICY = RetryPolicy(attempts=5, first_backoff_ms=1_000, factor=2.0, max_backoff_ms=600_000)


def step(index: int, on_failure: Literal["stop", "continue"] = "stop") -> ActionStep:
    outline = facts.ACTIONS[index]
    return ActionStep(
        id=outline.id,
        index=index,
        type=outline.type,
        parameters=b"{}",
        parameters_hash=outline.parameters_hash,
        timeout_ms=1_000,
        retry=POLICY,
        on_failure=on_failure,
        on_unknown="hold",
    )


def token(*steps: ActionStep, **changes: Any) -> ActionRequested:
    """A token as RunWaiting number 5 carries it: for the next attempt."""
    return ActionRequested(
        **{
            "tenant_id": facts.TENANT,
            "run_id": facts.run_id(),
            "seq": 5,
            "workflow_id": "wf-1",
            "workflow_name": "Welcome",
            "version": 3,
            "module": "leads",
            "record_id": "lead-42",
            "event_id": "evt-1",
            "event": codec.encode(facts.event()),
            "run_started_at_ms": facts.T0,
            "actions": steps,
            "attempt": 2,
            **changes,
        }
    )


def settled(resolution: Resolution, held: ActionRequested) -> list[tuple[str, Any]]:
    settlement = Settlement(resolution, "ada", facts.T0 + 99, 1, facts.T0)
    return [(moved.topic, moved.message) for moved in moves(held, settlement)]


def test_done_goes_on_to_the_next_action() -> None:
    (journal, fact), (topic, following) = settled("done", token(step(1), step(2)))
    assert journal == topics.RUNS_JOURNAL
    assert isinstance(fact, ActionSucceeded)
    assert (fact.seq, fact.attempt, fact.index) == (6, 1, 1)
    assert topic == "actions.create-task"
    assert isinstance(following, ActionRequested)
    assert (following.seq, following.attempt, [each.id for each in following.actions]) == (6, 1, ["task"])
    assert [(done.id, done.status) for done in following.completed] == [("tell-erp", "success")]


@pytest.mark.parametrize("error", [None, ActionError(action_id="welcome", type="smtp", detail="no")])
def test_done_of_the_last_action_ends_the_run(error: ActionError | None) -> None:
    (_, fact), (topic, end) = settled("done", token(step(2), first_error=error))
    assert topic == topics.RUNS_JOURNAL
    assert (fact.seq, end.seq) == (6, 7)
    assert isinstance(end, RunSucceeded if error is None else RunFailed)


def test_fail_ends_the_run_where_a_failure_stops_it() -> None:
    (_, fact), (topic, end) = settled("fail", token(step(1), step(2)))
    assert isinstance(fact, ActionFailed)
    assert fact.final
    assert isinstance(end, RunFailed)
    assert (topic, end.seq, end.action_id) == (topics.RUNS_JOURNAL, 7, "tell-erp")


def test_fail_goes_on_where_a_failure_does_not_stop_it() -> None:
    (_, fact), (topic, following) = settled("fail", token(step(1, "continue"), step(2)))
    assert topic == "actions.create-task"
    assert following.seq == fact.seq == 6
    assert following.first_error.action_id == "tell-erp"


def test_resend_is_the_token_and_nothing_else() -> None:
    held = token(step(1), step(2), permit="p")
    [(topic, sent)] = settled("resend", held)
    assert topic == "actions.webhook"
    assert (sent.seq, sent.attempt, sent.permit, sent.command) == (5, 2, None, None)
