"""What a command does to its record, and what is answered."""

from typing import Any

import pytest

from sample_crm.domain.commands import Applied, Rejected, decide
from sample_crm.domain.events import caused_by
from tests.unit.sample_crm.crm_setting import command, record, setting


def applied(kind: str, parameters: Any, before: dict[str, Any] | None = None) -> Applied:
    lead = before or record("leads", owner="u-1")
    decision = decide(command(kind, parameters, module=lead["id"].removesuffix("-1")), lead, setting())
    assert isinstance(decision, Applied), decision
    return decision


def test_a_task_is_made_about_the_record_for_its_owner() -> None:
    decision = applied(
        "create_task", {"subject": "Call Ada", "due_at": "2026-11-24T10:00:00Z", "priority": "High"}
    )

    (made,) = decision.changes
    assert made.event == "created"
    assert {
        "subject": "Call Ada",
        "due_at": "2026-11-24T10:00:00.000Z",
        "priority": "High",
        "assignee": "u-1",
        "related_module": "leads",
        "related_id": "leads-1",
        "status": "Open",
    }.items() <= made.after.items()
    assert decision.receipt == {"task_id": "task-1", "record_version": 1}
    assert decision.record["version"] == 1


def test_a_task_may_name_its_assignee_and_null_means_left_out() -> None:
    decision = applied(
        "create_task", {"subject": "Call", "assignee": "u-3", "due_at": None, "description": None}
    )

    assert decision.changes[0].after["assignee"] == "u-3"


def test_a_field_is_changed_and_the_receipt_says_from_what_to_what() -> None:
    decision = applied("change_field", {"field": "amount", "value": 80000.5})

    assert decision.changes[0].event == "updated"
    assert decision.record["amount"] == 80000.5
    assert decision.receipt == {
        "field": "amount",
        "from": None,
        "to": 80000.5,
        "changed": True,
        "record_version": 2,
    }


def test_a_field_is_emptied_with_null() -> None:
    decision = applied(
        "change_field", {"field": "company", "value": None}, record("leads", company="Engines")
    )

    assert decision.record["company"] is None
    assert decision.receipt["from"] == "Engines"


def test_a_change_that_is_so_already_is_applied_without_an_event() -> None:
    decision = applied("change_field", {"field": "priority", "value": "Normal"})

    assert decision.changes == ()
    assert decision.receipt["changed"] is False
    assert decision.receipt["record_version"] == 1


@pytest.mark.parametrize(("wish", "stage"), [("Qualified", "Qualified"), ("next", "Contacted")])
def test_a_record_moves_to_a_stage_by_name_or_to_the_next(wish: str, stage: str) -> None:
    decision = applied("move_stage", {"stage": wish})

    assert decision.changes[0].event == "stage_changed"
    assert decision.record["stage"] == stage
    assert (decision.receipt["from"], decision.receipt["to"]) == ("New", stage)


def test_moving_an_opportunity_to_its_won_stage_wins_it() -> None:
    decision = applied("move_stage", {"stage": "Closed Won"}, record("opportunities"))

    assert decision.changes[0].event == "closed_won"


def test_an_owner_is_assigned_in_the_field_of_the_module() -> None:
    assert applied("assign_owner", {"owner": "u-2"}).record["owner"] == "u-2"
    assert applied("assign_owner", {"owner": "u-2"}, record("tasks")).record["assignee"] == "u-2"


def test_each_user_is_notified_once_and_the_record_stays() -> None:
    decision = applied("send_notification", {"to": ["u-2", "u-3", "u-2"], "message": "Look"})

    assert [(each.user_id, each.message) for each in decision.notifications] == [
        ("u-2", "Look"),
        ("u-3", "Look"),
    ]
    assert decision.receipt == {"notification_ids": ["ntf-1", "ntf-2"], "record_version": 1}
    assert decision.changes == ()


@pytest.mark.parametrize(
    ("kind", "parameters", "before", "code"),
    [
        ("create_task", {}, record("leads"), "invalid-value"),
        ("create_task", {"subject": "x", "assignee": "u-9"}, record("leads"), "unknown-user"),
        ("create_task", {"subject": "x", "due_at": "soon"}, record("leads"), "invalid-value"),
        ("change_field", {"field": "colour", "value": 1}, record("leads"), "unknown-field"),
        ("change_field", {"field": "status", "value": "Converted"}, record("leads"), "read-only-field"),
        ("change_field", {"field": "amount", "value": "much"}, record("leads"), "invalid-value"),
        ("change_field", {"field": "amount"}, record("leads"), "invalid-parameters"),
        ("change_field", {"value": 1}, record("leads"), "invalid-parameters"),
        ("move_stage", {"stage": "Nowhere"}, record("leads"), "unknown-stage"),
        ("move_stage", {"stage": "next"}, record("leads", stage="Nurturing"), "no-next-stage"),
        ("move_stage", {"stage": "next"}, record("opportunities", stage="Closed Won"), "no-next-stage"),
        ("move_stage", {"stage": "next"}, record("contacts"), "no-stages"),
        ("move_stage", {"stage": "Qualified"}, record("leads") | {"status": "Converted"}, "closed-record"),
        ("assign_owner", {"owner": "u-9"}, record("leads"), "unknown-user"),
        ("assign_owner", {"owner": None}, record("leads"), "invalid-parameters"),
        ("send_notification", {"to": ["u-2", "u-9"], "message": "x"}, record("leads"), "unknown-user"),
        ("send_notification", {"to": [], "message": "x"}, record("leads"), "invalid-parameters"),
        ("send_notification", {"to": ["u-2"]}, record("leads"), "invalid-parameters"),
        ("fly", {}, record("leads"), "unknown-command"),
        ("move_stage", b"[]", record("leads"), "invalid-parameters"),
        ("move_stage", b'{"stage": "\xff"}', record("leads"), "invalid-parameters"),
        ("move_stage", b"[" * 100_000, record("leads"), "invalid-parameters"),
    ],
    ids=str,
)
def test_what_is_not_possible_is_rejected_with_the_record_as_it_is(
    kind: str, parameters: Any, before: dict[str, Any], code: str
) -> None:
    module = before["id"].removesuffix("-1")
    decision = decide(command(kind, parameters, module=module), before, setting())

    assert isinstance(decision, Rejected)
    assert (decision.code, decision.record) == (code, before)
    assert decision.reason.endswith(".")


def test_a_record_or_module_that_does_not_exist_is_rejected() -> None:
    for module in ("leads", "unicorns"):
        decision = decide(command("assign_owner", {"owner": "u-2"}, module=module), None, setting())

        assert isinstance(decision, Rejected)
        assert (decision.code, decision.record) == ("unknown-record", None)


def test_what_a_command_causes_names_its_workflow_last_in_the_chain() -> None:
    cause = caused_by(command("assign_owner", {}))

    assert cause.chain == ("wf-0", "wf-1")
    assert (cause.depth, cause.origin, cause.actor) == (2, "workflow", "workflow:wf-1")
