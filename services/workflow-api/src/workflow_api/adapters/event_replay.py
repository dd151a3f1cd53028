"""Past events from a `crm.*` topic, as fast as one core reads them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.avro_bodies import BROKEN, reader_of
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent
from signalbox_contracts.schemas import all_schemas
from signalbox_rules.errors import TooMuchToJudge
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.records import Inbound, TopicPartition
from workflow_api.domain.backtest import Backtest, PastEvent

READ_RECORDS: Final = 2_000
READ_TIMEOUT_SECONDS: Final = 0.5
CREATED: Final = b"null"
"""`previous` of a record that the event created."""


class _Envelope(msgspec.Struct, gc=False):
    """What of a `CrmEvent` a backtest looks at."""

    event_id: str
    module: str
    event: str
    record_id: str
    occurred_at_ms: int
    record: bytes
    previous: bytes | None


_AVRO: Final = {
    schema.header: reader_of(schema.parsed, {"CrmEvent": _Envelope})
    for schema in all_schemas()
    if schema.message == "CrmEvent"
}
_UNREADABLE: Final = (InvalidEvent, msgspec.DecodeError, OverflowError, *BROKEN)
_decode_json: Final[Callable[[bytes], Any]] = msgspec.json.Decoder().decode


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


def replay(kafka: Kafka, tenant_id: str, module: str, span: Span, backtest: Backtest) -> Iterator[int]:
    """Feeds `backtest`; yields how many offsets lie behind, after every batch."""
    left = {place: end for place, end in span.ends.items() if end > span.begins[place]}
    ends = {place.partition: end for place, end in left.items()}
    feeder = EventFeeder(tenant_id, module, backtest)
    reader = kafka.reader({place: span.begins[place] for place in left})
    try:
        while left:
            records = reader.read(READ_RECORDS, READ_TIMEOUT_SECONDS)
            feeder.feed([each for each in records if each.offset < ends[each.partition]])
            left = {place: end for place, end in left.items() if reader.position(place) < end}
            yield sum(
                min(reader.position(place), end) - span.begins[place]
                for place, end in span.ends.items()
                if end > span.begins[place]
            )
    finally:
        reader.close()


class EventFeeder:
    """Feeds a backtest the events of one tenant from the records of a module's topic."""

    def __init__(self, tenant_id: str, module: str, backtest: Backtest) -> None:
        self._backtest = backtest
        self._module = module
        self._prefix = f"{tenant_id}/".encode()
        self._lane_prefix = ids.lane(tenant_id, module, "")
        self._heard = backtest.events
        self._type_prefix = f"crm.{module}.".encode()
        self._heard_types = frozenset(self._type_prefix + event.encode() for event in backtest.events)

    def feed(self, records: list[Inbound]) -> None:
        """Counts those of the tenant; what can't be read is counted as that."""
        backtest, prefix = self._backtest, self._prefix
        for record in records:
            key = record.key
            if key is None or not key.startswith(prefix):
                continue
            backtest.events_seen += 1
            if record.headers and not self._may_be_heard(record):
                continue
            try:
                past = self._past_event(key, record)
            except _UNREADABLE:
                backtest.unreadable += 1
            else:
                if past is not None:
                    self._judge(past)

    def _judge(self, past: PastEvent) -> None:
        try:
            self._backtest.feed(past)
        except TooMuchToJudge:
            self._backtest.unreadable += 1

    def _may_be_heard(self, record: Inbound) -> bool:
        kind = record.header("ce_type")
        return kind is None or kind in self._heard_types or not kind.startswith(self._type_prefix)

    def _past_event(self, key: bytes, record: Inbound) -> PastEvent | None:
        """None for an event of another name. Raises for what the router refuses too.

        Avro is read without the router's full check of each field: the key tells most of what can be wrong,
        and a count over a month does not turn on the rest.
        """
        value = record.value or b""
        read = _AVRO.get(value[: codec.HEADER_BYTES])
        event: _Envelope | CrmEvent
        if read is None:
            event = read_event(record.topic, key, record.value, record.headers)
            if event.event not in self._heard:
                return None
        else:
            event, end = read(value, codec.HEADER_BYTES)
            if event.event not in self._heard:
                return None
            if end != len(value) or event.module != self._module:
                raise InvalidEvent("The body is cut short, or of another module.")
            if key != self._lane_prefix + event.record_id.encode():
                raise InvalidEvent("The key is not the record's.")
        before = event.previous
        context = RecordContext(
            _decode_json(event.record),
            None if before == CREATED else NOT_PUBLISHED if before is None else _decode_json(before),
            datetime.fromtimestamp(event.occurred_at_ms / 1000, UTC),
        )
        return PastEvent(event.event_id, event.event, event.record_id, context)
