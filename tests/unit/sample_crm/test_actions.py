"""What people do with records, and when it is refused."""

from typing import Any

import pytest

from sample_crm.domain.actions import ACTIONS, ActionFunction, mark_overdue
from sample_crm.errors import Refused
from tests.unit.sample_crm.crm_setting import record, setting

BY_NAME: dict[str, ActionFunction] = {name: act for _, name, act in ACTIONS}


@pytest.mark.parametrize(
    ("name", "before", "wishes", "event", "values"),
    [
        ("disqualify", record("leads"), {"reason": "spam"}, "disqualified", {"disqualified_reason": "spam"}),
        ("close", record("opportunities"), {"outcome": "won", "amount": 9}, "closed_won", {"amount": 9}),
        (
            "close",
            record("opportunities"),
            {"outcome": "lost", "reason": "x"},
            "closed_lost",
            {"lost_reason": "x"},
        ),
        ("send", record("invoices"), {}, "sent", {"status": "Sent", "sent_at": "2026-11-23T11:00:00.000Z"}),
        ("pay", record("invoices") | {"status": "Sent"}, {}, "paid", {"paid_at": "2026-11-23T11:00:00.000Z"}),
        ("pay", record("invoices") | {"status": "Overdue"}, {}, "paid", {"status": "Paid"}),
        ("complete", record("tasks"), {}, "completed", {"completed_at": "2026-11-23T11:00:00.000Z"}),
    ],
)
def test_an_action_is_one_change(
    name: str, before: dict[str, Any], wishes: dict[str, Any], event: str, values: dict[str, Any]
) -> None:
    (changed,) = BY_NAME[name](before, wishes, setting())

    assert changed.event == event
    assert values.items() <= changed.after.items()


def test_converting_makes_what_the_lead_becomes_and_changes_the_lead_last() -> None:
    lead = record("leads", company="Engines", email="a@b.example", owner="u-2", amount=5)

    account, contact, opportunity, converted = BY_NAME["convert"](lead, {}, setting())

    assert [each.after["name"] for each in (account, contact, opportunity)] == ["Engines", "Ada", "Engines"]
    assert {each.after["owner"] for each in (account, contact, opportunity)} == {"u-2"}
    assert converted.event == "converted"
    assert converted.after["account"] == account.after["id"] == opportunity.after["account"]
    assert converted.after["opportunity"] == opportunity.after["id"]


def test_converting_takes_an_account_there_is_and_no_opportunity() -> None:
    contact, converted = BY_NAME["convert"](
        record("leads"), {"account": {"id": "account-7"}, "opportunity": False}, setting()
    )

    assert contact.after["account"] == converted.after["account"] == "account-7"
    assert converted.after["opportunity"] is None


@pytest.mark.parametrize(
    ("name", "before", "wishes", "code"),
    [
        ("convert", record("leads") | {"status": "Disqualified"}, {}, "wrong-status"),
        ("convert", record("leads"), {"account": ["x"]}, "invalid-value"),
        ("convert", record("leads"), {"opportunity": {"colour": 1}}, "unknown-field"),
        ("disqualify", record("leads") | {"status": "Converted"}, {}, "wrong-status"),
        ("disqualify", record("leads"), {"reason": 7}, "invalid-value"),
        ("close", record("opportunities"), {}, "invalid-value"),
        ("close", record("opportunities", stage="Closed Won"), {"outcome": "won"}, "closed-record"),
        (
            "close",
            record("opportunities", stage="Closed Won"),
            {"outcome": "won", "amount": 5},
            "closed-record",
        ),
        ("close", record("opportunities", stage="Closed Lost"), {"outcome": "won"}, "closed-record"),
        ("send", record("invoices") | {"status": "Sent"}, {}, "wrong-status"),
        ("pay", record("invoices"), {}, "wrong-status"),
        ("complete", record("tasks") | {"status": "Completed"}, {}, "wrong-status"),
    ],
)
def test_an_action_at_the_wrong_time_or_with_wrong_wishes_is_refused(
    name: str, before: dict[str, Any], wishes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        BY_NAME[name](before, wishes, setting())
    assert refused.value.code == code


def test_only_a_sent_invoice_falls_overdue() -> None:
    (changed,) = mark_overdue(record("invoices") | {"status": "Sent"}, setting())
    assert changed.event == "overdue"
    with pytest.raises(Refused):
        mark_overdue(record("invoices") | {"status": "Paid"}, setting())
