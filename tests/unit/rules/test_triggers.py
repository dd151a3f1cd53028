"""Which workflows an event concerns."""

from typing import Any

import pytest

from signalbox_contracts.definitions.document import Trigger
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.modules.registry import EVENTS, MODULES, specific_events
from signalbox_rules.record_context import NOT_PUBLISHED
from signalbox_rules.triggers import TriggerIndex


def active(
    workflow_id: str, module: str = "leads", event: str = "created", tenant: str = "acme", **narrow: Any
) -> ActiveWorkflow:
    trigger = Trigger.model_validate({"module": module, "event": event, **narrow})
    return ActiveWorkflow(tenant, workflow_id, 1, workflow_id.upper(), trigger, "avoid")


def ids(
    index: TriggerIndex, module: str, event: str, record: Any = None, previous: Any = NOT_PUBLISHED
) -> list[str]:
    return [
        workflow.workflow_id for workflow in index.match("acme", module, event, lambda: (record, previous))
    ]


def unread() -> tuple[Any, Any]:
    raise AssertionError("the record was decoded, and nobody needs it")


def test_the_table_of_events() -> None:
    assert {module.name: [event.name for event in module.events] for module in MODULES} == {
        "leads": ["created", "updated", "stage_changed", "converted", "disqualified"],
        "opportunities": ["created", "updated", "stage_changed", "closed_won", "closed_lost"],
        "contacts": ["created", "updated"],
        "accounts": ["created", "updated"],
        "tasks": ["created", "completed"],
        "invoices": ["created", "sent", "paid", "overdue"],
    }
    assert len(EVENTS) == 20


@pytest.mark.parametrize(
    ("module", "trigger", "events"),
    [
        ("opportunities", "updated", {"updated", "stage_changed", "closed_won", "closed_lost"}),
        ("opportunities", "stage_changed", {"stage_changed", "closed_won", "closed_lost"}),
        ("opportunities", "closed_won", {"closed_won"}),
        ("leads", "updated", {"updated", "stage_changed", "converted", "disqualified"}),
        ("leads", "stage_changed", {"stage_changed"}),
        ("contacts", "updated", {"updated"}),
        ("tasks", "completed", {"completed"}),
        ("invoices", "paid", {"paid"}),
        ("unknown", "created", set()),
    ],
)
def test_triggers_match_upward(module: str, trigger: str, events: set[str]) -> None:
    assert set(specific_events(module, trigger)) == events
    index = TriggerIndex.build([active("a", module, trigger)])
    for event in {event for _, event in EVENTS}:
        assert index.listens("acme", module, event) is (event in events)
        assert ids(index, module, event) == (["a"] if event in events else [])


def test_a_workflow_runs_once_for_an_event_and_in_the_order_of_ids() -> None:
    index = TriggerIndex.build([active(name, "opportunities", "updated") for name in ("c", "a", "b")])
    assert ids(index, "opportunities", "closed_won") == ["a", "b", "c"]


def test_tenants_do_not_meet() -> None:
    index = TriggerIndex.build([active("a"), active("a", tenant="other"), active("b", tenant="other")])
    assert ids(index, "leads", "created") == ["a"]
    assert not index.listens("third", "leads", "created")
    assert ids(index.without_workflow("acme", "a"), "leads", "created") == []
    assert len(index.without_workflow("acme", "a")) == 2


def test_without_a_narrowed_trigger_the_record_is_not_decoded() -> None:
    index = TriggerIndex.build([active("a")])
    assert len(index.match("acme", "leads", "created", unread)) == 1
    assert index.match("acme", "leads", "updated", unread) == ()


def test_the_record_is_decoded_once_whatever_is_narrowed() -> None:
    index = TriggerIndex.build([active(f"w{n}", event="updated", fields=[f"f{n}"]) for n in range(50)])
    calls = []

    def load() -> tuple[Any, Any]:
        calls.append(1)
        return {"f7": 1}, {"f7": 2}

    assert [workflow.workflow_id for workflow in index.match("acme", "leads", "updated", load)] == ["w7"]
    assert len(calls) == 1


FIELDS = active("f", event="updated", fields=["amount", "owner.team", "lines[0].sku"])


@pytest.mark.parametrize(
    ("previous", "record", "matches"),
    [
        ({"amount": 1}, {"amount": 2}, True),
        ({"amount": 1}, {"amount": 1.0}, False),
        ({"amount": None}, {"amount": ""}, False),
        ({"amount": None}, {}, False),
        ({}, {"amount": 1}, True),
        ({"name": "a"}, {"name": "b"}, False),
        ({"owner": {"team": "a", "x": 1}}, {"owner": {"team": "a", "x": 2}}, False),
        ({"owner": {"team": "a"}}, {"owner": {"team": "b"}}, True),
        ({"lines": [{"sku": "a"}]}, {"lines": [{"sku": "b"}]}, True),
        ({"lines": []}, {"lines": [1]}, False),
        (None, {"amount": 1}, True),
        (NOT_PUBLISHED, {"amount": 1}, False),
        ({"amount": 1}, "no object", True),
        (5, 5, False),
    ],
)
def test_a_trigger_may_name_changed_fields(previous: Any, record: Any, matches: bool) -> None:
    index = TriggerIndex.build([FIELDS])
    assert ids(index, "leads", "updated", record, previous) == (["f"] if matches else [])


@pytest.mark.parametrize(
    ("narrow", "previous", "record", "matches"),
    [
        ({"to": "Won"}, {"stage": "New"}, {"stage": "won "}, True),
        ({"to": "Won"}, NOT_PUBLISHED, {"stage": "Won"}, True),
        ({"to": ["Won", "Lost"]}, {}, {"stage": "Lost"}, True),
        ({"to": "Won"}, {"stage": "New"}, {"stage": "Lost"}, False),
        ({"to": "Won"}, {"stage": "New"}, {"stage": None}, False),
        ({"from": "New"}, {"stage": "New"}, {"stage": "Lost"}, True),
        ({"from": "New"}, {"stage": "Old"}, {"stage": "Lost"}, False),
        ({"from": "New"}, NOT_PUBLISHED, {"stage": "Lost"}, False),
        ({"from": "New"}, None, {"stage": "Lost"}, False),
        ({"from": "New", "to": "Won"}, {"stage": "New"}, {"stage": "Won"}, True),
        ({"from": "New", "to": "Won"}, {"stage": "Old"}, {"stage": "Won"}, False),
        ({"from": "New", "to": "Won"}, {"stage": "New"}, {"stage": "Lost"}, False),
    ],
)
def test_a_trigger_may_name_stages(narrow: Any, previous: Any, record: Any, matches: bool) -> None:
    index = TriggerIndex.build(
        [
            active("s", "opportunities", "stage_changed", **narrow),
            active("z", "opportunities", "stage_changed"),
        ]
    )
    for event in ("stage_changed", "closed_won"):
        assert ids(index, "opportunities", event, record, previous) == (["s", "z"] if matches else ["z"])


def test_a_new_version_takes_the_place_of_the_old_one() -> None:
    index = TriggerIndex.build([active("a", event="updated", fields=["x"])]).with_workflow(
        active("a", event="created")
    )
    assert len(index) == 1
    assert not index.listens("acme", "leads", "updated")
    assert ids(index, "leads", "created") == ["a"]


def test_an_index_does_not_change_when_another_is_made_of_it() -> None:
    first = TriggerIndex.build([active("a")])
    second = first.with_workflow(active("b"))
    assert ids(first, "leads", "created") == ["a"]
    assert ids(second, "leads", "created") == ["a", "b"]
    assert second.without_workflow("acme", "nobody") is second
    emptied = second.without_workflow("acme", "a").without_workflow("acme", "b")
    assert not emptied.listens("acme", "leads", "created")
    assert len(emptied) == 0
