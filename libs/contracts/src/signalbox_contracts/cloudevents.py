"""Events in: Avro `CrmEvent` or CloudEvents 1.0 JSON, structured and binary mode, to one `CrmEvent`.

CloudEvents 1.0.2 core and its Kafka protocol binding. The form is told by the `content-type` header,
then by the first bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.errors import InvalidEvent, UndecodableMessage
from signalbox_contracts.messages import CrmEvent

STRUCTURED = b"application/cloudevents+json"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORIGINS = ("ui", "api", "import", "workflow", "system")


class Data(msgspec.Struct, frozen=True):
    """`data` of an event. `record` and `previous` stay the publisher's bytes."""

    record: msgspec.Raw
    previous: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    actor: str | None = None
    origin: str = "api"


class Envelope(msgspec.Struct, frozen=True):
    """A CloudEvent in structured mode. Attributes that matter to nobody here are let pass."""

    specversion: str
    id: str
    type: str
    time: datetime
    tenantid: str
    data: Data
    subject: str | None = None
    chain: str = ""
    depth: int = 0


_envelope_decoder = msgspec.json.Decoder(Envelope)
_data_decoder = msgspec.json.Decoder(Data)
_object_decoder = msgspec.json.Decoder(dict[str, Any])


def read_event(
    topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> CrmEvent:
    """The event of a message on a crm topic.

    Raises InvalidEvent, with a sentence for its publisher, for anything that can't be used: no value or
    key, over 1 MiB, malformed, an attribute missing, or a key that is not the record's lane.
    """
    if value is None:
        raise InvalidEvent("The message has no value; an event is an Avro CrmEvent or CloudEvents JSON.")
    if len(value) > topics.ENVELOPE_MAX_BYTES:
        raise InvalidEvent(
            f"The event has {len(value):,} bytes; at most {topics.ENVELOPE_MAX_BYTES:,} are accepted. "
            "Publish a smaller record."
        )
    event = _decode(value, headers)
    _check(event, topic, key)
    return event


def _decode(value: bytes, headers: Sequence[tuple[str, bytes]]) -> CrmEvent:
    if codec.is_single_object(value):
        try:
            return codec.decode(value, CrmEvent)
        except UndecodableMessage as error:
            raise InvalidEvent(str(error)) from error
    header = dict(headers)
    content_type = header.get("content-type", b"").split(b";")[0].strip().lower()
    if content_type == STRUCTURED or "ce_specversion" not in header:
        return _structured(value)
    return _binary(value, header)


def _structured(value: bytes) -> CrmEvent:
    try:
        envelope = _envelope_decoder.decode(value)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidEvent(
            f"Neither Avro single-object encoding nor a CloudEvents 1.0 JSON event: {error}."
        ) from error
    return _event(envelope)


def _binary(value: bytes, header: Mapping[str, bytes]) -> CrmEvent:
    attributes: dict[str, Any] = {}
    for name, raw in header.items():
        if name.startswith("ce_"):
            attributes[name.removeprefix("ce_")] = raw.decode("utf-8", errors="replace")
    try:
        attributes["data"] = _data_decoder.decode(value)
        envelope = msgspec.convert(attributes, Envelope, strict=False)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidEvent(
            f"Not a CloudEvents 1.0 event in binary mode (ce_ headers, JSON data): {error}."
        ) from error
    return _event(envelope)


def _event(envelope: Envelope) -> CrmEvent:
    if envelope.specversion != "1.0":
        raise InvalidEvent(f"specversion is {envelope.specversion!r}; this reads CloudEvents 1.0.")
    prefix, _, event = envelope.type.rpartition(".")
    namespace, _, module = prefix.rpartition(".")
    if namespace != "crm" or not event:
        raise InvalidEvent(
            f"type is {envelope.type!r}; it must be crm.<module>.<event>, e.g. crm.leads.created."
        )
    if envelope.time.tzinfo is None:
        raise InvalidEvent("time has no zone; write it as RFC 3339, e.g. 2026-11-23T10:00:00Z.")
    data = envelope.data
    return CrmEvent(
        tenant_id=envelope.tenantid,
        event_id=envelope.id,
        module=module,
        event=event,
        record_id=envelope.subject or "",
        occurred_at_ms=(envelope.time - EPOCH) // _MILLISECOND,
        record=bytes(data.record),
        previous=None if isinstance(data.previous, msgspec.UnsetType) else bytes(data.previous),
        actor=data.actor,
        origin=data.origin,
        chain=tuple(part for part in envelope.chain.split(",") if part),
        depth=envelope.depth,
    )


def _check(event: CrmEvent, topic: str, key: bytes | None) -> None:
    for name, text in (
        ("id", event.event_id),
        ("tenantid", event.tenant_id),
        ("subject (the record's id)", event.record_id),
    ):
        if not text:
            raise InvalidEvent(f"{name} is missing or empty.")
    if "/" in event.tenant_id:
        raise InvalidEvent(f"tenantid is {event.tenant_id!r}; it must not contain '/'.")
    if topic != topics.crm_topic(event.module):
        raise InvalidEvent(
            f"An event of module {event.module!r} was published on {topic}, not crm.{event.module}."
        )
    if event.origin not in ORIGINS:
        raise InvalidEvent(f"origin is {event.origin!r}; it must be one of {', '.join(ORIGINS)}.")
    if event.occurred_at_ms <= 0:
        raise InvalidEvent("time is missing or before 1970.")
    if event.depth < 0:
        raise InvalidEvent(f"depth is {event.depth}; it counts workflows, from 0.")
    expected = ids.lane(event.tenant_id, event.module, event.record_id)
    if key != expected:
        told = "null" if key is None else repr(key.decode("utf-8", errors="replace"))
        raise InvalidEvent(
            f"The key is {told}; it must be {expected.decode()!r} (tenant/module/record_id), "
            "or the order of the record's events is lost."
        )
    _require_object("record", event.record)
    if event.previous is not None and event.previous.strip() != b"null":
        _require_object("previous", event.previous)


def _require_object(name: str, data: bytes) -> None:
    try:
        _object_decoder.decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InvalidEvent(f"{name} is not a JSON object: {error}.") from error


_MILLISECOND = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC) - EPOCH
