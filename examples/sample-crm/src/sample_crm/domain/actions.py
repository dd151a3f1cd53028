"""What people do with a record beyond setting its fields: each action is a function of the record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sample_crm.domain.directory import Directory
from sample_crm.domain.modules import ACCOUNTS, CONTACTS, INVOICES, LEADS, OPPORTUNITIES, TASKS, Module
from sample_crm.domain.records import Change, Record, change, create, revise
from sample_crm.domain.values import TEXT_MAX, to_text
from sample_crm.errors import Refused

NewId: TypeAlias = Callable[[str], str]
"""An id nobody has, beginning with the prefix given."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where an action happens: who and what there is, when, and how new records get their ids."""

    directory: Directory
    now: datetime
    new_id: NewId


def convert_lead(lead: Record, wishes: Mapping[str, Any], setting: Setting) -> tuple[Change, ...]:
    """The lead becomes an account, a contact and, unless `opportunity` is false, an opportunity.

    Wishes: `account` {fields} or {"id": …} of one there is, `opportunity` {fields} or false.
    """
    _require_status(lead, "Open")
    made: list[Change] = []

    def make(module: Module, fields: Mapping[str, Any]) -> str:
        record_id = setting.new_id(module.id_prefix)
        made.append(create(module, record_id, fields, setting.directory, setting.now))
        return record_id

    owner = {"owner": lead["owner"], "priority": lead["priority"]}
    account_fields = _fields(wishes, "account")
    account = account_fields.get("id") or make(
        ACCOUNTS, _named(lead["company"] or lead["name"], owner, account_fields)
    )
    contact = make(
        CONTACTS, _named(lead["name"], owner, {}, account=account, email=lead["email"], phone=lead["phone"])
    )
    opportunity = None
    if wishes.get("opportunity") is not False:
        fields = _fields(wishes, "opportunity")
        links = {"account": account, "contact": contact, "amount": lead["amount"], "source": lead["source"]}
        opportunity = make(OPPORTUNITIES, _named(lead["company"] or lead["name"], owner, fields, **links))
    values = {"status": "Converted", "account": account, "contact": contact, "opportunity": opportunity}
    return (*made, _revised(LEADS, lead, values, setting))


def disqualify_lead(lead: Record, wishes: Mapping[str, Any], setting: Setting) -> tuple[Change, ...]:
    """The lead leads nowhere. Wishes: `reason`."""
    _require_status(lead, "Open")
    values = {"status": "Disqualified", "disqualified_reason": _text(wishes, "reason")}
    return (_revised(LEADS, lead, values, setting),)


def close_opportunity(opportunity: Record, wishes: Mapping[str, Any], setting: Setting) -> tuple[Change, ...]:
    """The opportunity is won or lost. Wishes: `outcome` won or lost, `amount`, `reason`."""
    outcome = wishes.get("outcome")
    if outcome not in {"won", "lost"}:
        raise Refused("invalid-value", "outcome must be won or lost.", "outcome")
    stages = setting.directory.pipelines["opportunities"]
    stage = next(stage for stage in stages if stage.kind == outcome)
    values = {"amount": wishes["amount"]} if "amount" in wishes else {}
    values |= {"lost_reason": _text(wishes, "reason")} if outcome == "lost" else {}
    fields = {"stage": stage.name, **values}
    changed = change(OPPORTUNITIES, opportunity, fields, setting.directory, setting.now)
    if changed is None or changed.event != f"closed_{outcome}":
        raise Refused("closed-record", f"{opportunity['id']} is {opportunity['stage']} already.", "stage")
    return (changed,)


def send_invoice(invoice: Record, wishes: Mapping[str, Any], setting: Setting) -> tuple[Change, ...]:
    """The invoice is with the customer. Wishes: none."""
    _require_status(invoice, "Draft")
    values = {"status": "Sent", "sent_at": to_text(setting.now)}
    return (_revised(INVOICES, invoice, values, setting),)


def pay_invoice(invoice: Record, wishes: Mapping[str, Any], setting: Setting) -> tuple[Change, ...]:
    """The money is here. Wishes: none."""
    _require_status(invoice, "Sent", "Overdue")
    values = {"status": "Paid", "paid_at": to_text(setting.now)}
    return (_revised(INVOICES, invoice, values, setting),)


def mark_overdue(invoice: Record, setting: Setting) -> tuple[Change, ...]:
    """The due date has passed without money: the clock's action, nobody else's."""
    _require_status(invoice, "Sent")
    return (_revised(INVOICES, invoice, {"status": "Overdue"}, setting),)


def complete_task(task: Record, wishes: Mapping[str, Any], setting: Setting) -> tuple[Change, ...]:
    """The task is done. Wishes: none."""
    _require_status(task, "Open")
    values = {"status": "Completed", "completed_at": to_text(setting.now)}
    return (_revised(TASKS, task, values, setting),)


ActionFunction: TypeAlias = Callable[[Record, Mapping[str, Any], Setting], tuple[Change, ...]]
ACTIONS: tuple[tuple[Module, str, ActionFunction], ...] = (
    (LEADS, "convert", convert_lead),
    (LEADS, "disqualify", disqualify_lead),
    (OPPORTUNITIES, "close", close_opportunity),
    (INVOICES, "send", send_invoice),
    (INVOICES, "pay", pay_invoice),
    (TASKS, "complete", complete_task),
)
"""Module, name in the path of the REST call, and what it does."""


def _revised(module: Module, record: Record, values: Mapping[str, Any], setting: Setting) -> Change:
    changed = revise(module, record, values, setting.directory, setting.now)
    assert changed is not None, "an action changes the status"
    return changed


def _require_status(record: Record, *allowed: str) -> None:
    if record["status"] not in allowed:
        needed = " or ".join(allowed)
        raise Refused(
            "wrong-status", f"{record['id']} is {record['status']}; for this it must be {needed}.", "status"
        )


def _named(name: str, owner: Mapping[str, Any], fields: Mapping[str, Any], **links: Any) -> dict[str, Any]:
    return {"name": name, **owner, **links, **fields}


def _fields(wishes: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = wishes.get(name) or {}
    if not isinstance(value, dict):
        raise Refused("invalid-value", f"{name} must be an object of fields.", name)
    return dict(value)


def _text(wishes: Mapping[str, Any], name: str) -> str | None:
    value = wishes.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > TEXT_MAX or "\0" in value):
        raise Refused("invalid-value", f"{name} must be a text of at most {TEXT_MAX:,} characters.", name)
    return value
