"""What becomes of a record when fields are set, and what the change is called."""

from typing import Any

import pytest

from sample_crm.domain.modules import MODULES, MODULES_BY_NAME
from sample_crm.domain.records import change, create, revise
from sample_crm.errors import Refused
from tests.unit.sample_crm.crm_setting import DIRECTORY, LATER, NOW, record


def test_a_new_record_has_every_field_of_its_module() -> None:
    for module in MODULES:
        made = record(module.name)

        assert list(made) == [*(["id"]), *(name for name in made if name != "id")]
        assert made.keys() == module.fields.keys()
        assert (made["version"], made["created_at"]) == (1, "2026-11-23T10:00:00.000Z")


def test_a_new_record_begins_with_defaults_and_the_first_stage() -> None:
    lead = record("leads")

    assert (lead["stage"], lead["status"], lead["priority"]) == ("New", "Open", "Normal")


def test_a_record_without_a_required_field_is_not_made() -> None:
    with pytest.raises(Refused, match="name is missing"):
        create(MODULES_BY_NAME["leads"], "x", {"email": "a@b.example"}, DIRECTORY, NOW)


@pytest.mark.parametrize(
    ("module", "fields", "event"),
    [
        ("leads", {"amount": 5}, "updated"),
        ("leads", {"owner": "u-2"}, "updated"),
        ("leads", {"stage": "Qualified", "amount": 5}, "stage_changed"),
        ("opportunities", {"amount": 5}, "updated"),
        ("opportunities", {"stage": "Proposal"}, "stage_changed"),
        ("opportunities", {"stage": "Closed Won"}, "closed_won"),
        ("opportunities", {"stage": "Closed Lost"}, "closed_lost"),
        ("contacts", {"title": "Dr"}, "updated"),
        ("accounts", {"employees": 5}, "updated"),
        ("tasks", {"priority": "High"}, None),
        ("invoices", {"amount": 5}, None),
    ],
)
def test_a_change_has_the_most_specific_name(module: str, fields: dict[str, Any], event: str | None) -> None:
    before = record(module)
    changed = change(MODULES_BY_NAME[module], before, fields, DIRECTORY, LATER)

    assert changed is not None
    assert (changed.event, changed.before) == (event, before)
    assert changed.after["version"] == 2
    assert changed.after["updated_at"] == "2026-11-23T11:00:00.000Z"


@pytest.mark.parametrize(
    ("module", "status", "event"),
    [
        ("leads", "Converted", "converted"),
        ("leads", "Disqualified", "disqualified"),
        ("tasks", "Completed", "completed"),
        ("invoices", "Sent", "sent"),
        ("invoices", "Overdue", "overdue"),
        ("invoices", "Paid", "paid"),
    ],
)
def test_a_change_of_status_has_a_name_of_its_own(module: str, status: str, event: str) -> None:
    changed = revise(MODULES_BY_NAME[module], record(module), {"status": status}, DIRECTORY, LATER)

    assert changed is not None
    assert changed.event == event


def test_what_changes_nothing_is_no_change() -> None:
    lead = record("leads", amount=5)

    assert change(MODULES_BY_NAME["leads"], lead, {"amount": 5, "stage": "New"}, DIRECTORY, LATER) is None
    assert change(MODULES_BY_NAME["leads"], lead, {}, DIRECTORY, LATER) is None


def test_closing_notes_the_time() -> None:
    changed = change(
        MODULES_BY_NAME["opportunities"], record("opportunities"), {"stage": "Closed Won"}, DIRECTORY, LATER
    )

    assert changed is not None
    assert changed.after["closed_at"] == "2026-11-23T11:00:00.000Z"


@pytest.mark.parametrize(
    ("before", "fields", "code"),
    [
        (record("leads"), {"colour": "red"}, "unknown-field"),
        (record("leads"), {"status": "Converted"}, "read-only-field"),
        (record("leads"), {"version": 9}, "read-only-field"),
        (record("leads"), {"stage": "Nowhere"}, "unknown-stage"),
        (record("leads"), {"stage": None}, "unknown-stage"),
        (record("leads"), {"owner": "u-9"}, "unknown-user"),
        (record("leads"), {"amount": "much"}, "invalid-value"),
        (record("leads") | {"status": "Converted"}, {"stage": "Qualified"}, "closed-record"),
        (record("opportunities", stage="Closed Won"), {"stage": "Proposal"}, "closed-record"),
    ],
)
def test_what_is_not_possible_is_refused(before: dict[str, Any], fields: dict[str, Any], code: str) -> None:
    module = MODULES_BY_NAME[before["id"].removesuffix("-1")]
    with pytest.raises(Refused) as refused:
        change(module, before, fields, DIRECTORY, LATER)
    assert refused.value.code == code


def test_a_closed_record_still_takes_other_fields() -> None:
    won = record("opportunities", stage="Closed Won")

    changed = change(MODULES_BY_NAME["opportunities"], won, {"amount": 5}, DIRECTORY, LATER)

    assert changed is not None
    assert changed.event == "updated"
