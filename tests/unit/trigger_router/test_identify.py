"""What the router remembers of the past: a repeat is found out, and a mended event is not taken for one."""

import json
from typing import Any

from signalbox_runtime.records import Headers, Inbound
from trigger_router.domain.headers import identity
from trigger_router.service import identify

HEADERS: Headers = (
    ("ce_id", b"evt-1"),
    ("ce_tenantid", b"demo"),
    ("ce_type", b"crm.leads.created"),
    ("ce_specversion", b"1.0"),
)


def lead(**changes: Any) -> Inbound:
    event = {
        "specversion": "1.0",
        "id": "evt-1",
        "type": "crm.leads.created",
        "subject": "lead-1",
        "time": "2026-11-23T10:00:00Z",
        "tenantid": "demo",
        "data": {"record": {"id": "lead-1"}},
        **changes,
    }
    return Inbound(
        topic="crm.leads",
        partition=0,
        offset=7,
        timestamp_ms=1_795_428_000_000,
        key=b"demo/leads/lead-1",
        value=json.dumps(event).encode(),
        headers=(*HEADERS[:3], ("content-type", b"application/cloudevents+json")),
    )


def test_an_event_is_recognised_by_tenant_and_id() -> None:
    assert identify(lead()) == identity("demo", "evt-1")


def test_what_went_to_the_dead_letters_is_not_remembered_by_its_headers() -> None:
    assert identify(lead(type="crm.leads.eaten")) is None
    assert identify(lead(data={"record": "no object"})) is None
