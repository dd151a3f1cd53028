"""`read_event` is total: whatever is published, the answer is an event that travels on, or InvalidEvent."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from signalbox_contracts import codec, topics
from signalbox_contracts.cloudevents import ORIGINS, read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmEvent
from tests.property.contracts.strategies import part

TOPIC = st.sampled_from(topics.CRM_TOPICS)
PRINTABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cf", "Cn", "Co"]),
    min_size=1,
    max_size=20,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.sampled_from([2**64, 10**400, -(10**400)])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["specversion", "id", "source", "type", "subject", "time", "tenantid", "data", "chain", "depth", "extra"]
)
HEADER = st.tuples(
    st.sampled_from(["content-type", "ce_id", "ce_specversion", "ce_time", "ce_type", "ce_tenantid", "x"])
    | NAMES.map("ce_{}".format),
    st.sampled_from([b"application/cloudevents+json", b"1.0", b"crm.leads.created", b"2026-11-23T10:00:00Z"])
    | st.binary(max_size=12),
)
MANY = settings(max_examples=300, deadline=None)


def is_total(topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    try:
        event = read_event(topic, key, value, headers)
    except InvalidEvent:
        return
    assert codec.decode(codec.encode(event), CrmEvent) == event


@MANY
@given(TOPIC, st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=200), st.lists(HEADER))
def test_arbitrary_messages(
    topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    is_total(topic, key, value, headers)


@MANY
@given(TOPIC, st.binary(max_size=20), st.dictionaries(NAMES, JSON), st.lists(HEADER))
def test_arbitrary_json_with_names_of_the_standard(
    topic: str, key: bytes, document: dict[str, Any], headers: list[tuple[str, bytes]]
) -> None:
    is_total(topic, key, json.dumps(document).encode(), headers)


@MANY
@given(part(CrmEvent))
def test_arbitrary_avro_events_with_the_right_key(event: CrmEvent) -> None:
    key = lane(event.tenant_id, event.module, event.record_id)
    is_total(topics.crm_topic(event.module), key, codec.encode(event), [])


@MANY
@given(
    module=st.sampled_from(topics.MODULES),
    event_id=PRINTABLE,
    record_id=PRINTABLE,
    tenant=PRINTABLE.filter(lambda text: "/" not in text),
    time=st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 zone set below
    record=st.dictionaries(st.text(max_size=9), JSON, max_size=4),
    origin=st.sampled_from(ORIGINS),
    depth=st.integers(0, 20),
)
def test_the_three_forms_of_one_event_read_the_same(
    module: str,
    event_id: str,
    record_id: str,
    tenant: str,
    time: datetime,
    record: dict[str, Any],
    origin: str,
    depth: int,
) -> None:
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "type": f"crm.{module}.created",
        "subject": record_id,
        "time": time.replace(tzinfo=UTC).isoformat(),
        "tenantid": tenant,
        "depth": depth,
    }
    data = {"record": record, "previous": None, "origin": origin}
    topic, key = topics.crm_topic(module), lane(tenant, module, record_id)
    headers = [(f"ce_{name}", str(text).encode()) for name, text in attributes.items()]

    from_binary = read_event(topic, key, json.dumps(data).encode(), headers)
    from_structured = read_event(topic, key, json.dumps(attributes | {"data": data}).encode(), [])
    from_avro = read_event(topic, key, codec.encode(from_binary), [])

    assert from_binary == from_structured == from_avro
    assert json.loads(from_avro.record) == record
