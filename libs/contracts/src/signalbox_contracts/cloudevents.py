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
ID_MAX_BYTES = 512
"""Ids become Kafka keys, file names of exports and PostgreSQL index entries (which end at 2,704 bytes)."""
NESTING_MAX = 64
"""Decoders downstream recurse; a record nested deeper than this is no CRM record."""
DEPTH_MAX = 2**31 - 1
CHAIN_MAX = 100
CHAIN_MAX_BYTES = 2_048
"""Of all its ids and the commas between them: the ledger has one index entry for tenant and chain."""
LATEST_MS = 253_402_300_799_999
"""The last moment of the year 9999, where calendars of the standard library end."""
_SHOWN_CHARACTERS = 80
_NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


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
    header: dict[str, bytes] = {name: data or b"" for name, data in headers}  # Kafka headers may be null
    content_type = header.get("content-type", b"").split(b";")[0].strip().lower()
    if content_type == STRUCTURED or "ce_specversion" not in header:
        return _structured(value)
    return _binary(value, header)


def _structured(value: bytes) -> CrmEvent:
    try:
        envelope = _envelope_decoder.decode(value)
    except _NOT_JSON as error:
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
    except _NOT_JSON as error:
        raise InvalidEvent(
            f"Not a CloudEvents 1.0 event in binary mode (ce_ headers, JSON data): {error}."
        ) from error
    return _event(envelope)


def _event(envelope: Envelope) -> CrmEvent:
    if envelope.specversion != "1.0":
        raise InvalidEvent(f"specversion is {_shown(envelope.specversion)}; this reads CloudEvents 1.0.")
    prefix, _, event = envelope.type.rpartition(".")
    namespace, _, module = prefix.rpartition(".")
    if namespace != "crm" or not event:
        raise InvalidEvent(
            f"type is {_shown(envelope.type)}; it must be crm.<module>.<event>, e.g. crm.leads.created."
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
    _check_id("id", event.event_id)
    _check_id("tenantid", event.tenant_id)
    _check_id("subject (the record's id)", event.record_id)
    _check_id("the event's name", event.event)
    if event.actor is not None:
        _check_id("actor", event.actor)
    if "/" in event.tenant_id:
        raise InvalidEvent(f"tenantid is {_shown(event.tenant_id)}; it must not contain '/'.")
    if topic != topics.crm_topic(event.module):
        raise InvalidEvent(
            f"An event of module {_shown(event.module)} was published on {topic}; its topic is crm.<module>."
        )
    if event.origin not in ORIGINS:
        raise InvalidEvent(f"origin is {_shown(event.origin)}; it must be one of {', '.join(ORIGINS)}.")
    if not 0 < event.occurred_at_ms <= LATEST_MS:
        raise InvalidEvent("time is missing, before 1970 or after 9999.")
    _check_causes(event)
    _check_key(event, key)
    _check_record("record", event.record)
    if event.previous is not None and event.previous.strip() != b"null":
        _check_record("previous", event.previous)


def _check_id(name: str, text: str) -> None:
    if not text:
        raise InvalidEvent(f"{name} is missing or empty.")
    if len(text.encode()) > ID_MAX_BYTES:
        raise InvalidEvent(f"{name} is {_shown(text)}; it may have {ID_MAX_BYTES} bytes.")
    if not text.isprintable():
        raise InvalidEvent(
            f"{name} is {_shown(text)}; control and other unprintable characters are not allowed."
        )


def _check_causes(event: CrmEvent) -> None:
    if not 0 <= event.depth <= DEPTH_MAX:
        # Not shown: it may have any number of digits, more than an int can be printed with.
        raise InvalidEvent(f"depth is below 0 or above {DEPTH_MAX:,}; it counts workflows, from 0.")
    if len(event.chain) > CHAIN_MAX:
        raise InvalidEvent(f"chain names {len(event.chain)} workflows; at most {CHAIN_MAX} are read.")
    for workflow_id in event.chain:
        _check_id("a workflow in chain", workflow_id)
    size = len(",".join(event.chain).encode())
    if size > CHAIN_MAX_BYTES:
        raise InvalidEvent(f"chain has {size:,} bytes; at most {CHAIN_MAX_BYTES:,} are read.")


def _check_key(event: CrmEvent, key: bytes | None) -> None:
    expected = ids.lane(event.tenant_id, event.module, event.record_id)
    if key != expected:
        told = "null" if key is None else _shown(key.decode("utf-8", errors="replace"))
        raise InvalidEvent(
            f"The key is {told}; it must be {_shown(expected.decode())} (tenant/module/record_id), "
            "or the order of the record's events is lost."
        )


def _check_record(name: str, data: bytes) -> None:
    try:
        value = _object_decoder.decode(data)
    except _NOT_JSON as error:
        raise InvalidEvent(f"{name} is not a JSON object: {error}.") from error
    if data.count(b"[") + data.count(b"{") > NESTING_MAX and _is_nested_deeper(value, NESTING_MAX):
        raise InvalidEvent(f"{name} is nested more than {NESTING_MAX} levels deep.")


def _is_nested_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        inner = (each.values() if isinstance(each, dict) else each for each in layer)
        layer = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not layer:
            return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")


_MILLISECOND = datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC) - EPOCH
