"""Why a workflow made nothing of an event."""

from typing import Any

import pytest

from run_ledger.domain.non_runs import Published, WorkflowHistory, history_of, non_runs
from signalbox_contracts.definitions.document import parse_definition
from signalbox_contracts.messages import WorkflowState
from tests.unit.run_ledger import facts

T = facts.T0


def published(
    version: int, at_ms: int, event: str = "updated", module: str = "leads", **narrowed: Any
) -> Published:
    document = {
        "name": "Welcome",
        "trigger": {"module": module, "event": event, **narrowed},
        "actions": [{"id": "a", "type": "webhook", "with": {"url": "https://erp.example"}}],
    }
    return Published(version, at_ms, parse_definition(document))


def state(status: Any, version: int, at_ms: int) -> WorkflowState:
    return WorkflowState(
        tenant_id="demo",
        workflow_id="wf-1",
        name="Welcome",
        status=status,
        version=version,
        changed_at_ms=at_ms,
        changed_by="ada",
    )


def known(versions: list[Published], *states: WorkflowState) -> WorkflowHistory:
    return history_of(versions, states, "demo", "wf-1")


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        (known([published(1, T + 5)], state("active", 1, T + 5)), "published-later"),
        (known([published(1, T - 9)], state("active", 1, T - 9), state("paused", 1, T - 5)), "paused"),
        (known([published(1, T - 9)], state("archived", 1, T - 5)), "archived"),
        (known([published(1, T - 9)], state("active", 1, T + 5)), "unknown"),
        (known([published(1, T - 9, fields=["amount"])], state("active", 1, T - 9)), "narrowed-trigger"),
        (
            known([published(1, T - 9, "created"), published(2, T + 9)], state("active", 1, T - 9)),
            "published-later",
        ),
        (known([published(1, T - 9)], state("active", 1, T - 9)), "unknown"),
    ],
)
def test_the_reason(history: WorkflowHistory, reason: str) -> None:
    event = facts.event(event="updated", previous=b'{"id":"lead-42","name":"Eva"}')
    [found] = non_runs(event, T, [history], frozenset())
    assert found.reason == reason


@pytest.mark.parametrize("other", [{"event": "created"}, {"module": "contacts"}])
def test_workflows_that_never_listened_are_not_listed(other: dict[str, str]) -> None:
    history = known([published(1, T - 9, **other)], state("active", 1, T - 9))
    assert non_runs(facts.event(event="updated"), T, [history], frozenset()) == []


def test_a_workflow_that_judged_is_not_listed() -> None:
    history = known([published(1, T - 9)], state("active", 1, T - 9))
    assert non_runs(facts.event(event="updated"), T, [history], frozenset({"wf-1"})) == []


def test_a_more_specific_event_matches_upward() -> None:
    history = known([published(1, T - 9, "updated")], state("paused", 1, T - 9))
    [found] = non_runs(facts.event(event="stage_changed"), T, [history], frozenset())
    assert found.reason == "paused"
