"""What a backtest takes from a topic: events of its tenant that may be heard and are in form."""

import json
from typing import Any

import pytest

from signalbox_contracts import codec, ids
from signalbox_contracts.definitions.document import parse_definition
from signalbox_contracts.messages import CrmEvent
from signalbox_runtime.records import Headers, Inbound
from workflow_api.adapters.event_replay import EventFeeder
from workflow_api.domain.backtest import Backtest

WORKFLOW = {
    "name": "w",
    "trigger": {"module": "leads", "event": "stage_changed"},
    "conditions": {
        "all": [
            {"field": "source", "op": "equals", "value": "Web"},
            {"field": "source", "op": "changed"},
        ]
    },
    "actions": [{"type": "send_notification", "with": {"to": ["u-1"], "message": "m"}}],
}
FULL = {"matched": 1, "would_run": 1, "events_seen": 1, "unreadable": 0}


def event(**fields: Any) -> CrmEvent:
    given: dict[str, Any] = {
        "tenant_id": "demo",
        "event_id": "evt-1",
        "module": "leads",
        "event": "converted",
        "record_id": "lead/1",
        "occurred_at_ms": 1_795_428_000_000,
        "record": b'{"source": "Web"}',
        "previous": b"null",
    }
    return CrmEvent(**{**given, **fields})


def record(value: bytes | None, key: bytes | None = None, headers: Headers = ()) -> Inbound:
    lane = ids.lane("demo", "leads", "lead/1") if key is None else key
    return Inbound(
        topic="crm.leads", partition=0, offset=0, timestamp_ms=0, key=lane, value=value, headers=headers
    )


def counted(*records: Inbound, event_name: str = "updated") -> dict[str, Any]:
    trigger = {"module": "leads", "event": event_name}
    backtest = Backtest(parse_definition({**WORKFLOW, "trigger": trigger}), None)
    EventFeeder("demo", "leads", backtest).feed(list(records))
    return backtest.result()


def cloud_event(kind: str) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": "evt-1",
            "source": "/crm",
            "type": kind,
            "subject": "lead/1",
            "time": "2026-11-23T10:00:00Z",
            "tenantid": "demo",
            "data": {"record": {"source": "Web"}, "previous": None},
        }
    ).encode()


@pytest.mark.parametrize("value", [codec.encode(event()), cloud_event("crm.leads.converted")])
def test_an_event_is_counted_in_either_form(value: bytes) -> None:
    result = counted(record(value))
    assert {name: result[name] for name in FULL} == FULL


@pytest.mark.parametrize(
    ("previous", "runs"), [(b"null", 1), (b'{"source": "Web"}', 0), (b'{"source": "Fair"}', 1), (None, 0)]
)
def test_the_record_before_is_read(previous: bytes | None, runs: int) -> None:
    assert counted(record(codec.encode(event(previous=previous))))["would_run"] == runs


@pytest.mark.parametrize(
    "other",
    [
        record(codec.encode(event()), key=b"acme/leads/lead/1"),
        record(codec.encode(event()), key=b"demo-2/leads/lead/1"),
    ],
)
def test_other_tenants_events_are_not_seen(other: Inbound) -> None:
    assert counted(other)["events_seen"] == 0


@pytest.mark.parametrize(
    ("kind", "seen_unreadable"),
    [(b"crm.leads.created", 0), (b"crm.leads.converted", 1), (b"somebody.elses", 1)],
)
def test_headers_that_name_an_event_nobody_hears_spare_the_reading(kind: bytes, seen_unreadable: int) -> None:
    result = counted(record(b"nonsense", headers=(("ce_type", kind),)))
    assert (result["events_seen"], result["unreadable"]) == (1, seen_unreadable)


@pytest.mark.parametrize("value", [codec.encode(event(event="created")), cloud_event("crm.leads.created")])
def test_an_event_of_another_name_is_seen_and_no_more(value: bytes) -> None:
    result = counted(record(value))
    assert (result["events_seen"], result["matched"], result["unreadable"]) == (1, 0, 0)


@pytest.mark.parametrize(
    "broken",
    [
        record(None),
        record(b""),
        record(b"nonsense"),
        record(codec.encode(event())[:-3]),
        record(codec.encode(event()) + b"x"),
        record(codec.encode(event(record_id="lead-2"))),
        record(codec.encode(event(module="contacts"))),
        record(codec.encode(event(record=b"{"))),
        record(codec.encode(event(previous=b"\xff"))),
        record(codec.encode(event(occurred_at_ms=10**17))),
        record(codec.encode(event(occurred_at_ms=2**62))),
        record(cloud_event("crm.contacts.converted")),
    ],
)
def test_what_can_not_be_read_is_counted_as_that(broken: Inbound) -> None:
    result = counted(record(codec.encode(event())), broken)
    assert (result["events_seen"], result["unreadable"], result["would_run"]) == (2, 1, 1)
