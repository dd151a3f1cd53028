"""Events in, in each of their three forms, and what their publishers are told when one can't be used."""

import json
from typing import Any

import msgspec
import pytest

from signalbox_contracts import codec, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent

KEY = b"acme/leads/lead-42"
DATA = b'{"record": {"id": "lead-42", "amount": 75000.10}, "previous": null, "actor": "u-1", "origin": "ui"}'
ATTRIBUTES: dict[str, Any] = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/crm/leads",
    "type": "crm.leads.created",
    "subject": "lead-42",
    "time": "2026-11-23T10:00:00Z",
    "tenantid": "acme",
}
EXPECTED = CrmEvent(
    tenant_id="acme",
    event_id="evt-1",
    module="leads",
    event="created",
    record_id="lead-42",
    occurred_at_ms=1_795_428_000_000,
    record=b'{"id": "lead-42", "amount": 75000.10}',
    previous=b"null",
    actor="u-1",
    origin="ui",
)
STRUCTURED_TYPE = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
Headers = tuple[tuple[str, bytes], ...]


def structured(data: bytes = DATA, **changes: Any) -> bytes:
    attributes = {name: value for name, value in (ATTRIBUTES | changes).items() if value is not ...}
    return json.dumps(attributes).encode()[:-1] + b', "data": ' + data + b"}"


def binary(**changes: Any) -> Headers:
    attributes = {name: value for name, value in (ATTRIBUTES | changes).items() if value is not ...}
    headers = tuple((f"ce_{name}", str(value).encode()) for name, value in attributes.items())
    return (("content-type", b"application/json"), *headers)


def read(value: bytes | None, headers: Headers = (), key: bytes | None = KEY) -> CrmEvent:
    return read_event("crm.leads", key, value, headers)


def test_the_structured_mode_is_read_with_and_without_a_content_type() -> None:
    assert read(structured()) == EXPECTED
    assert read(structured(), STRUCTURED_TYPE) == EXPECTED


def test_the_content_type_decides_before_the_headers() -> None:
    assert read(structured(), (*STRUCTURED_TYPE, ("ce_specversion", b"1.0"), ("ce_id", b"other"))) == EXPECTED


def test_the_binary_mode_is_read_from_headers_and_value() -> None:
    assert read(DATA, binary()) == EXPECTED


def test_avro_is_told_by_its_first_bytes_whatever_the_headers_say() -> None:
    assert read(codec.encode(EXPECTED), binary(id="other")) == EXPECTED


def test_the_cause_of_an_event_travels_as_extensions() -> None:
    for event in (
        read(structured(chain="wf-1,wf-2", depth=2)),
        read(DATA, binary(chain="wf-1,wf-2", depth=2)),
    ):
        assert event.chain == ("wf-1", "wf-2")
        assert event.depth == 2


def test_previous_left_out_is_not_previous_null() -> None:
    assert read(structured(b'{"record": {}}')).previous is None
    assert read(structured(b'{"record": {}, "previous": null}')).previous == b"null"
    assert read(structured(b'{"record": {}, "previous": {"a": 1}}')).previous == b'{"a": 1}'


def test_a_time_with_an_offset_is_turned_into_utc_and_fractions_become_milliseconds() -> None:
    assert read(structured(time="2026-11-23T11:00:00.1239+01:00")).occurred_at_ms == 1_795_428_000_123


def test_attributes_and_extensions_that_mean_nothing_here_are_let_pass() -> None:
    assert read(structured(dataschema="https://crm.example/lead", mycompany="x")) == EXPECTED
    assert read(DATA, (*binary(partitionkey="k"), ("traceparent", b"00-1-2-01"))) == EXPECTED


def test_a_kafka_header_without_a_value_does_no_harm() -> None:
    headers: Any = (("content-type", None), ("ce_actor", None), *STRUCTURED_TYPE)

    assert read(structured(), headers) == EXPECTED


@pytest.mark.parametrize(
    ("value", "headers", "says"),
    [
        (None, (), "has no value"),
        (b"", (), "Neither Avro single-object encoding nor a CloudEvents"),
        (b"hello", (), "Neither Avro"),
        (b"[]", (), "Expected `object`"),
        (b"\xff\xfe", (), "Neither Avro"),
        (structured(id=...), (), "missing required field `id`"),
        (structured(id=""), (), "id is missing or empty"),
        (structured(time=...), (), "missing required field `time`"),
        (structured(time="yesterday"), (), "time"),
        (structured(time="2026-11-23T10:00:00"), (), "time has no zone"),
        (structured(time="1960-01-01T00:00:00Z"), (), "time is missing, before 1970"),
        (structured(tenantid=...), (), "missing required field `tenantid`"),
        (structured(tenantid="a/b"), (), "must not contain '/'"),
        (structured(subject=...), (), "subject .* is missing or empty"),
        (structured(specversion="0.3"), (), "specversion is '0.3'"),
        (structured(type="leads.created"), (), "must be crm.<module>.<event>"),
        (structured(type="crm.leads."), (), "must be crm.<module>.<event>"),
        (structured(type="crm.invoices.paid"), (), "published on crm.leads"),
        (structured(depth=-1), (), "it counts workflows, from 0"),
        (structured(depth=10**30), (), "it counts workflows, from 0"),
        (structured(depth="many"), (), "depth"),
        (structured(chain=",".join(["wf"] * 101)), (), "chain names 101 workflows"),
        (structured(chain=",".join(["w" * 200] * 11)), (), "chain has 2,210 bytes"),
        (structured(id="a\0b"), (), "unprintable"),
        (structured(subject="x" * 513), (), "may have 512 bytes"),
        (structured(b"null"), (), "data"),
        (structured(b'{"previous": null}'), (), "missing required field `record`"),
        (structured(b'{"record": null}'), (), "record is not a JSON object"),
        (structured(b'{"record": [1]}'), (), "record is not a JSON object"),
        (structured(b'{"record": {"a": "\xff"}}'), (), "record is not a JSON object"),
        (structured(b'{"record": {"a": 1e999}}'), (), "record is not a JSON object"),
        (structured(b'{"record": {}, "previous": 7}'), (), "previous is not a JSON object"),
        (structured(b'{"record": {}, "origin": "robot"}'), (), "origin is 'robot'"),
        (structured(b'{"record": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"), (), "recursion"),
        (structured(b'{"record": {"a": ' + b"[" * 64 + b"]" * 64 + b"}}"), (), "nested more than 64 levels"),
        (DATA, binary(id=...), "missing required field `id`"),
        (DATA, binary(time="soon"), "time"),
        (b"no json", binary(), "Not a CloudEvents 1.0 event in binary mode"),
        (b"\xc3\x01garbage", (), "No schema"),
        (codec.encode(EXPECTED)[:-3], (), "not a CrmEvent version 1"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_an_event_that_cannot_be_used_is_refused_with_a_sentence(
    value: bytes | None, headers: Headers, says: str
) -> None:
    with pytest.raises(InvalidEvent, match=says) as raised:
        read(value, headers)
    assert len(str(raised.value)) < 600


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"occurred_at_ms": 0}, "time is missing"),
        ({"occurred_at_ms": 2**62}, "after 9999"),
        ({"depth": 2**31}, "it counts workflows"),
        ({"record": b"[]"}, "record is not a JSON object"),
        ({"record": b'{"a": "\xff"}'}, "record is not a JSON object"),
        ({"previous": b"{"}, "previous is not a JSON object"),
        ({"chain": ("wf-1", "")}, "a workflow in chain is missing or empty"),
        ({"actor": "a\nb"}, "unprintable"),
        ({"event": ""}, "the event's name is missing"),
    ],
    ids=str,
)
def test_an_avro_event_is_held_to_the_same_rules(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidEvent, match=says):
        read(codec.encode(msgspec.structs.replace(EXPECTED, **changes)))


@pytest.mark.parametrize("key", [None, b"", b"acme/leads/lead-43", b"acme/contacts/lead-42", b"\xff"])
def test_the_key_must_be_the_lane_of_the_record(key: bytes | None) -> None:
    with pytest.raises(InvalidEvent, match="it must be 'acme/leads/lead-42'"):
        read(structured(), key=key)


def test_a_record_id_may_hold_slashes() -> None:
    assert read(structured(subject="a/b"), key=b"acme/leads/a/b").record_id == "a/b"


def test_the_largest_event_is_one_mebibyte() -> None:
    rest = len(structured(b'{"record": {"a": ""}}'))
    filler = b"x" * (topics.ENVELOPE_MAX_BYTES - rest)

    assert read(structured(b'{"record": {"a": "' + filler + b'"}}')).event_id == "evt-1"
    with pytest.raises(InvalidEvent, match="1,048,577 bytes; at most 1,048,576"):
        read(structured(b'{"record": {"a": "x' + filler + b'"}}'))


def test_a_wide_record_is_not_a_deep_one() -> None:
    rows = b",".join([b'{"sku": []}'] * 500)

    assert read(structured(b'{"record": {"lines": [' + rows + b"]}}")).event_id == "evt-1"
