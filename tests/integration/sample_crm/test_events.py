"""Every module and event of api.md's table: a REST call, and the one event it publishes."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message

from signalbox_contracts import codec, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.modules.registry import EVENTS
from signalbox_runtime.testing.waiting import eventually
from tests.integration.sample_crm.crm import CrmProcess, Tap

LEAD = {
    "name": "Ada",
    "email": "ada@example.com",
    "company": "Engines",
    "source": "Web Form",
    "amount": 75000,
}


@pytest.fixture
def tap(crm: CrmProcess, kafka_bootstrap: str) -> Iterator[Tap]:
    tap = Tap(kafka_bootstrap, topics.CRM_TOPICS)
    yield tap
    tap.close()


def events(tap: Tap, count: int) -> list[CrmEvent]:
    found: list[CrmEvent] = tap.contents(CrmEvent, count)
    assert len(found) == count, [(event.module, event.event) for event in found]
    return found


def make(crm: CrmProcess, module: str, **fields: Any) -> str:
    record: dict[str, Any] = crm.call("POST", f"/{module}", fields)
    return str(record["id"])


def names(found: list[CrmEvent]) -> list[tuple[str, str]]:
    return sorted((event.module, event.event) for event in found)


SINGLE: list[tuple[str, dict[str, Any], list[tuple[str, str, Any]], str]] = [
    ("leads", LEAD, [], "created"),
    ("leads", LEAD, [("PATCH", "", {"priority": "Urgent"})], "updated"),
    ("leads", LEAD, [("PATCH", "", {"stage": "Qualified", "amount": 1})], "stage_changed"),
    ("leads", LEAD, [("POST", "/disqualify", {"reason": "spam"})], "disqualified"),
    ("opportunities", {"name": "Deal"}, [], "created"),
    ("opportunities", {"name": "Deal"}, [("PATCH", "", {"amount": 5})], "updated"),
    ("opportunities", {"name": "Deal"}, [("PATCH", "", {"stage": "Proposal"})], "stage_changed"),
    ("opportunities", {"name": "Deal"}, [("POST", "/close", {"outcome": "won"})], "closed_won"),
    (
        "opportunities",
        {"name": "Deal"},
        [("POST", "/close", {"outcome": "lost", "reason": "price"})],
        "closed_lost",
    ),
    ("opportunities", {"name": "Deal"}, [("PATCH", "", {"stage": "Closed Won"})], "closed_won"),
    ("contacts", {"name": "Grace"}, [], "created"),
    ("contacts", {"name": "Grace"}, [("PATCH", "", {"title": "Admiral"})], "updated"),
    ("accounts", {"name": "Engines"}, [], "created"),
    ("accounts", {"name": "Engines"}, [("PATCH", "", {"employees": 12})], "updated"),
    ("tasks", {"subject": "Call"}, [], "created"),
    ("tasks", {"subject": "Call"}, [("POST", "/complete", None)], "completed"),
    ("invoices", {"amount": 100}, [], "created"),
    ("invoices", {"amount": 100}, [("POST", "/send", None)], "sent"),
    ("invoices", {"amount": 100}, [("POST", "/send", None), ("POST", "/pay", None)], "paid"),
]


def test_every_pair_of_module_and_event_is_tested_here() -> None:
    elsewhere = {("leads", "converted"), ("invoices", "overdue")}

    assert {(module, event) for module, _, _, event in SINGLE} | elsewhere == set(EVENTS)


@pytest.mark.parametrize(("module", "fields", "calls", "expected"), SINGLE, ids=lambda each: str(each)[:40])
def test_a_change_is_one_event_with_its_most_specific_name(
    crm: CrmProcess,
    tap: Tap,
    module: str,
    fields: dict[str, Any],
    calls: list[tuple[str, str, Any]],
    expected: str,
) -> None:
    record_id = make(crm, module, **fields)
    for method, path, body in calls:
        crm.call(method, f"/{module}/{record_id}{path}", body)

    found = events(tap, 1 + len(calls))
    last = found[-1]
    assert (last.module, last.event, last.record_id) == (module, expected, record_id)
    assert msgspec.json.decode(last.record) == crm.call("GET", f"/{module}/{record_id}")
    if calls:
        assert last.previous == found[-2].record
    else:
        assert last.previous == b"null"


def test_a_converted_lead_becomes_account_contact_and_opportunity(crm: CrmProcess, tap: Tap) -> None:
    lead = make(crm, "leads", **LEAD, owner="u-2")
    converted = crm.call(
        "POST", f"/leads/{lead}/convert", {"opportunity": {"name": "Engine", "stage": "Proposal"}}
    )

    found = events(tap, 5)
    assert names(found) == [
        ("accounts", "created"),
        ("contacts", "created"),
        ("leads", "converted"),
        ("leads", "created"),
        ("opportunities", "created"),
    ]
    opportunity = crm.call("GET", f"/opportunities/{converted['opportunity']}")
    assert (opportunity["name"], opportunity["stage"], opportunity["amount"]) == ("Engine", "Proposal", 75000)
    assert opportunity["account"] == converted["account"]
    assert crm.call("GET", f"/contacts/{converted['contact']}")["email"] == "ada@example.com"
    assert opportunity["owner"] == "u-2"


def test_the_clock_makes_a_sent_invoice_overdue_and_only_that(crm: CrmProcess, tap: Tap) -> None:
    late = make(crm, "invoices", amount=1, due_on="2020-01-01")
    in_time = make(crm, "invoices", amount=1, due_on="2100-01-01")
    draft = make(crm, "invoices", amount=1, due_on="2020-01-01")
    crm.call("POST", f"/invoices/{late}/send")
    crm.call("POST", f"/invoices/{in_time}/send")

    overdue = eventually(
        lambda: [event for event in tap.contents(CrmEvent, 5) if event.event == "overdue"],
        "an invoice is overdue",
    )
    assert [(event.record_id, event.origin) for event in overdue] == [(late, "system")]
    assert crm.call("GET", f"/invoices/{draft}")["status"] == "Draft"
    assert crm.call("POST", f"/invoices/{late}/pay")["status"] == "Paid"


def test_what_changes_nothing_or_has_no_name_is_no_event(crm: CrmProcess, tap: Tap) -> None:
    lead = make(crm, "leads", **LEAD)
    task = make(crm, "tasks", subject="Call")
    before = crm.call("GET", f"/leads/{lead}")
    assert crm.call("PATCH", f"/leads/{lead}", {"name": "Ada"}) == before
    assert crm.call("PATCH", f"/tasks/{task}", {"priority": "Low"})["version"] == 2

    assert names(events(tap, 2)) == [("leads", "created"), ("tasks", "created")]


def test_a_message_is_an_event_that_can_be_routed_by_its_headers(crm: CrmProcess, tap: Tap) -> None:
    answer = crm.http.post("/leads", json=LEAD, headers={"X-User": "u-1", "X-Origin": "ui"})
    message: Message = eventually(tap.messages, "a message")[0]
    headers: Any = message.headers()
    event = read_event(str(message.topic()), message.key(), message.value(), headers)

    assert event == codec.decode(message.value() or b"", CrmEvent)
    assert (event.actor, event.origin, event.chain, event.depth) == ("u-1", "ui", (), 0)
    assert {name: value.decode() for name, value in headers} == {
        "content-type": "application/avro",
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_source": "/sample-crm/leads",
        "ce_type": "crm.leads.created",
        "ce_subject": answer.json()["id"],
        "ce_time": headers_time(event),
        "ce_tenantid": "demo",
    }


def headers_time(event: CrmEvent) -> str:
    record = msgspec.json.decode(event.record)
    return str(record["updated_at"]).replace("Z", "+00:00")


def test_the_events_of_a_record_keep_the_order_of_its_changes(crm: CrmProcess, tap: Tap) -> None:
    lead = make(crm, "leads", **LEAD)
    for score in range(50):
        crm.call("PATCH", f"/leads/{lead}", {"score": score})

    versions = [msgspec.json.decode(event.record)["version"] for event in events(tap, 51)]
    assert versions == list(range(1, 52))
