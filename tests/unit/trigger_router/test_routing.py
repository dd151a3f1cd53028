"""Given active workflows, when an event comes, then these runs are asked for."""

import pytest

from signalbox_contracts import codec, ids
from signalbox_contracts.definitions.document import parse_definition, to_bytes
from signalbox_contracts.errors import ContractError
from signalbox_contracts.messages import CrmEvent, WorkflowState, WorkflowStatus, WorkflowVersion
from trigger_router.domain.headers import announced
from trigger_router.domain.listeners import Listeners
from trigger_router.domain.routing import request_runs

HAPPENED_MS = 1_795_428_000_000
EVENT = CrmEvent(
    tenant_id="demo",
    event_id="evt-1",
    module="leads",
    event="created",
    record_id="lead-1",
    occurred_at_ms=HAPPENED_MS,
    record=b'{"id":"lead-1"}',
)


def version(number: int = 1, event: str = "created", reentry: str = "avoid") -> WorkflowVersion:
    document = {
        "name": "Welcome",
        "trigger": {"module": "leads", "event": event},
        "actions": [{"type": "create_task", "with": {"subject": "Call"}}],
        "reentry": reentry,
    }
    return WorkflowVersion(
        tenant_id="demo",
        workflow_id="w-1",
        version=number,
        definition=to_bytes(parse_definition(document)),
        published_at_ms=HAPPENED_MS,
        published_by="u-1",
    )


def state(status: WorkflowStatus, number: int = 1) -> WorkflowState:
    return WorkflowState(
        tenant_id="demo",
        workflow_id="w-1",
        name="Welcome",
        status=status,
        version=number,
        changed_at_ms=HAPPENED_MS,
        changed_by="u-1",
    )


MINUTE_MS = 60_000
LATER_MS = HAPPENED_MS + 100 * MINUTE_MS


def listening(*messages: WorkflowVersion | WorkflowState) -> Listeners:
    """Listeners that were told `messages`, one a minute."""
    listeners = Listeners()
    for minute, message in enumerate(messages):
        listeners.apply(message, HAPPENED_MS + minute * MINUTE_MS)
    return listeners


def heard(
    listeners: Listeners, event: str = "created", tenant_id: str = "demo", at_ms: int = LATER_MS
) -> list[int]:
    """Versions of the workflows that an event of a lead, appended at `at_ms`, concerns."""
    matching = listeners.at(at_ms).match(tenant_id, "leads", event, lambda: ({}, None))
    return [workflow.version for workflow in matching]


def test_a_version_counts_from_the_state_that_names_it() -> None:
    assert heard(listening(version())) == []
    assert heard(listening(version(), state("active"))) == [1]
    assert heard(listening(version(), state("active"), version(2))) == [1]
    assert heard(listening(version(), state("active"), version(2), state("active", 2))) == [2]


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_a_workflow_that_is_not_active_hears_nothing(status: WorkflowStatus) -> None:
    listeners = listening(version(), state("active"), state(status))
    assert heard(listeners) == []
    listeners.apply(state("active"), LATER_MS)
    assert heard(listeners) == [1]


def test_an_event_is_heard_by_what_was_active_when_it_came() -> None:
    listeners = listening(
        version(), state("active"), state("paused"), version(2), state("paused", 2), state("active", 2)
    )
    by_minute = [heard(listeners, at_ms=HAPPENED_MS + minute * MINUTE_MS + 30_000) for minute in range(6)]
    assert by_minute == [[], [1], [], [], [], [2]]
    assert by_minute == [heard(listeners, at_ms=HAPPENED_MS + minute * MINUTE_MS) for minute in range(6)]


def test_an_active_version_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(ContractError, match="version 3"):
        listening(version(), state("active", 3))


def test_no_tenant_hears_another_tenants_events() -> None:
    assert heard(listening(version(), state("active")), tenant_id="other") == []


def test_triggers_match_upward() -> None:
    listeners = listening(version(event="updated"), state("active"))
    assert heard(listeners, "converted") == [1]
    assert heard(listeners, "created") == []


def test_a_request_carries_the_events_bytes_and_the_runs_ids() -> None:
    matching = (
        listening(version(), state("active"))
        .at(LATER_MS)
        .match("demo", "leads", "created", lambda: ({}, None))
    )
    event_bytes = codec.encode(EVENT)
    request = request_runs(EVENT, event_bytes, HAPPENED_MS + 5, matching)
    assert request.event == event_bytes
    assert [(candidate.workflow_id, candidate.version) for candidate in request.candidates] == [("w-1", 1)]
    assert request.candidates[0].run_id == ids.run_id(HAPPENED_MS, "demo", "evt-1", "w-1")
    assert request == request_runs(EVENT, event_bytes, HAPPENED_MS + 5, matching)


@pytest.mark.parametrize(
    ("chain", "depth", "reentry", "refused"),
    [
        ((), 0, "avoid", False),
        (("w-2",), 1, "avoid", False),
        (("w-1",), 1, "avoid", True),
        (("w-1",), 1, "allow", False),
        (("w-2",), 11, "allow", True),
    ],
)
def test_a_loop_is_a_refused_candidate(
    chain: tuple[str, ...], depth: int, reentry: str, refused: bool
) -> None:
    matching = (
        listening(version(reentry=reentry), state("active"))
        .at(LATER_MS)
        .match("demo", "leads", "created", lambda: ({}, None))
    )
    event = CrmEvent(
        tenant_id="demo",
        event_id="evt-2",
        module="leads",
        event="created",
        record_id="lead-1",
        occurred_at_ms=HAPPENED_MS,
        record=b"{}",
        chain=chain,
        depth=depth,
    )
    (candidate,) = request_runs(event, b"", HAPPENED_MS, matching).candidates
    assert (candidate.refusal is not None) is refused
    if candidate.refusal is not None:
        assert candidate.refusal.reason == "loop"


@pytest.mark.parametrize(
    ("headers", "event"),
    [
        ((("ce_tenantid", b"demo"), ("ce_type", b"crm.leads.created"), ("ce_id", b"e")), "created"),
        ((("ce_tenantid", b"demo"), ("ce_type", b"crm.leads.created")), None),
        ((("ce_tenantid", b"demo"), ("ce_type", b"crm.tasks.created"), ("ce_id", b"e")), None),
        ((("ce_tenantid", b"\xff"), ("ce_type", b"crm.leads.created"), ("ce_id", b"e")), None),
        ((), None),
    ],
)
def test_headers_tell_all_or_nothing(headers: tuple[tuple[str, bytes], ...], event: str | None) -> None:
    said = announced("leads", headers)
    assert (None if said is None else said.event) == event
