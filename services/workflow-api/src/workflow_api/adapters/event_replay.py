"""Past events from a `crm.*` topic, as fast as one core reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

import fastavro
import msgspec

from signalbox_contracts import ids, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.schemas import all_schemas
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext
from signalbox_runtime.broker import Kafka
from signalbox_runtime.records import Inbound, TopicPartition
from workflow_api.domain.backtest import Backtest, PastEvent

READ_RECORDS: Final = 2_000
READ_TIMEOUT_SECONDS: Final = 0.5
HEADER_BYTES: Final = 10

_AVRO: Final = {schema.header: schema.parsed for schema in all_schemas() if schema.message == "CrmEvent"}
_json: Final = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets to replay of each partition: from, and up to but without."""

    begins: dict[TopicPartition, int]
    ends: dict[TopicPartition, int]

    @property
    def total(self) -> int:
        """How many offsets that are; transaction markers count as well."""
        return sum(max(0, end - self.begins[place]) for place, end in self.ends.items())


def span_of(kafka: Kafka, module: str, from_ms: int | None, to_ms: int | None) -> Span:
    """What is kept of a module's events between two append times."""
    offsets = kafka.offsets()
    partitions = offsets.partitions([topics.crm_topic(module)])
    begins = offsets.begin_offsets(partitions)
    if from_ms is not None:
        begins = offsets.offsets_at(partitions, from_ms)
    ends = offsets.end_offsets(partitions)
    if to_ms is not None:
        ends = offsets.offsets_at(partitions, to_ms)
    return Span(dict(begins), dict(ends))


def replay(kafka: Kafka, tenant_id: str, span: Span, backtest: Backtest) -> Iterator[int]:
    """Feeds `backtest`; yields how many offsets lie behind, after every batch."""
    left = {place: end for place, end in span.ends.items() if end > span.begins[place]}
    prefix = f"{tenant_id}/".encode()
    reader = kafka.reader({place: span.begins[place] for place in left})
    try:
        while left:
            for inbound in reader.read(READ_RECORDS, READ_TIMEOUT_SECONDS):
                key = inbound.key
                if key is not None and key.startswith(prefix) and _within(inbound, span):
                    backtest.events_seen += 1
                    _feed(backtest, inbound, tenant_id)
            left = {place: end for place, end in left.items() if reader.position(place) < end}
            yield sum(
                min(reader.position(place), end) - span.begins[place]
                for place, end in span.ends.items()
                if end > span.begins[place]
            )
    finally:
        reader.close()


def _within(inbound: Inbound, span: Span) -> bool:
    return inbound.offset < span.ends[TopicPartition(inbound.topic, inbound.partition)]


def _feed(backtest: Backtest, inbound: Inbound, tenant_id: str) -> None:
    kind = inbound.header("ce_type") if inbound.headers else None
    if kind is not None and kind.rpartition(b".")[2].decode("utf-8", "replace") not in backtest.events:
        return
    try:
        past = _past_event(inbound, tenant_id, backtest.events)
    except (InvalidEvent, msgspec.DecodeError, ValueError, EOFError, IndexError, OverflowError):
        backtest.unreadable += 1
        return
    if past is not None:
        backtest.feed(past)


def _past_event(inbound: Inbound, tenant_id: str, events: frozenset[str]) -> PastEvent | None:
    """None for an event of another name. Raises for what the router refuses too.

    Avro is read without the router's full check of each field (17 µs an event, 5 without): the key tells
    most of what can be wrong, and a count over a month does not turn on the rest.
    """
    value = inbound.value or b""
    schema = _AVRO.get(value[:HEADER_BYTES])
    if schema is None:
        event = read_event(inbound.topic, inbound.key, inbound.value, inbound.headers)
        if event.event not in events:
            return None
        context = _context(event.record, event.previous, event.occurred_at_ms)
        return PastEvent(event.event_id, event.event, event.record_id, context)
    body = BytesIO(value)
    body.seek(HEADER_BYTES)
    fields: Any = fastavro.schemaless_reader(body, schema, None)
    if fields["event"] not in events:
        return None
    if inbound.key != ids.lane(tenant_id, fields["module"], fields["record_id"]):
        raise InvalidEvent("The key is not the record's.")
    context = _context(fields["record"], fields["previous"], _milliseconds(fields["occurred_at_ms"]))
    return PastEvent(fields["event_id"], fields["event"], fields["record_id"], context)


def _context(record: bytes, previous: bytes | None, occurred_at_ms: int) -> RecordContext:
    return RecordContext(
        _json.decode(record),
        NOT_PUBLISHED if previous is None else _json.decode(previous),
        datetime.fromtimestamp(occurred_at_ms / 1000, UTC),
    )


def _milliseconds(value: int | datetime) -> int:
    return value if isinstance(value, int) else round(value.timestamp() * 1000)
