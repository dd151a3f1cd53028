"""What the examination sees and does: commands out, answers, events and the catalog in."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from signalbox_contracts import codec, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import ContractError, InvalidEvent
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCatalog, CrmCommand, CrmCommandResult, CrmEvent
from signalbox_embedded.errors import EmbeddedError

CALL_TIMEOUT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.1
NEWEST_EVENTS: Final = 1_000
"""How far back a record to work on is looked for, per partition."""
_READING: Final = {
    "group.id": "signalbox-conformance",
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": False,
}
_WRITING: Final = {"partitioner": "murmur2_random", "enable.idempotence": True, "log_level": 3}
"""Errors only: what librdkafka tries again is no news for who reads the findings."""


@dataclass(slots=True)
class Heard:
    """What was published since the examination began, in the order of each partition."""

    answers: list[tuple[bytes | None, CrmCommandResult]] = field(default_factory=list)
    events: list[CrmEvent] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


class Bus:
    """Kafka, as a CRM's partner sees it. Raises EmbeddedError where Kafka does not answer."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self.heard = Heard()
        self._options = dict(options)
        try:
            self._producer = Producer({**self._options, **_WRITING})
            self._consumer = Consumer({**self._options, **_READING})
            places = list(self._places((*topics.CRM_TOPICS, topics.CRM_COMMAND_RESULTS)))
            for place in places:
                place.offset = self._consumer.get_watermark_offsets(place, timeout=CALL_TIMEOUT_SECONDS)[1]
            self._consumer.assign(places)
        except KafkaException as error:
            raise EmbeddedError(f"Kafka does not answer: {error.args[0].str()}") from error

    def close(self) -> None:
        self._consumer.close()

    def send(self, *commands: CrmCommand) -> None:
        """Publishes commands in this order."""
        for command in commands:
            key = lane(command.tenant_id, command.module, command.record_id)
            self._producer.produce(topics.CRM_COMMANDS, codec.encode(command), key)
        if self._producer.flush(CALL_TIMEOUT_SECONDS):
            raise EmbeddedError("the commands could not be published: Kafka does not answer")

    def listen(self, seconds: float) -> None:
        """Hears what is published during the next `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self._consumer.poll(POLL_SECONDS)
            if message is not None and message.error() is None:
                self._note(message)

    def catalog(self, tenant_id: str) -> dict[str, bytes]:
        """The newest content of each kind that the tenant's CRM published on crm.catalog."""
        contents: dict[str, bytes] = {}
        for message in self._read_all(topics.CRM_CATALOG, None):
            published = codec.decode_any(message.value() or b"")
            if isinstance(published, CrmCatalog) and published.tenant_id == tenant_id:
                contents[published.kind] = published.content
        return contents

    def newest_event(self, tenant_id: str, module: str) -> CrmEvent | None:
        """The newest event of a module: its record exists, as far as Kafka knows."""
        newest: CrmEvent | None = None
        for message in self._read_all(topics.crm_topic(module), NEWEST_EVENTS):
            event = _event(message)
            if isinstance(event, CrmEvent) and event.tenant_id == tenant_id:
                newest = event if newest is None or event.occurred_at_ms >= newest.occurred_at_ms else newest
        return newest

    def _note(self, message: Message) -> None:
        if message.topic() == topics.CRM_COMMAND_RESULTS:
            try:
                answer = codec.decode(message.value() or b"", CrmCommandResult)
            except ContractError as error:
                self.heard.unreadable.append(f"an answer: {error}")
            else:
                self.heard.answers.append((message.key(), answer))
            return
        event = _event(message)
        if isinstance(event, CrmEvent):
            self.heard.events.append(event)
        else:
            self.heard.unreadable.append(f"an event on {message.topic()}: {event}")

    def _places(self, names: tuple[str, ...]) -> Iterator[TopicPartition]:
        known = self._consumer.list_topics(timeout=CALL_TIMEOUT_SECONDS).topics
        for name in names:
            if name not in known:
                raise EmbeddedError(f"there is no topic {name}; run: signalbox topics apply")
            for number in known[name].partitions:
                yield TopicPartition(name, number)

    def _read_all(self, topic: str, newest: int | None) -> Iterator[Message]:
        reader = Consumer({**self._options, **_READING, "enable.partition.eof": True})
        places = list(self._places((topic,)))
        for place in places:
            low, high = reader.get_watermark_offsets(place, timeout=CALL_TIMEOUT_SECONDS)
            place.offset = low if newest is None else max(low, high - newest)
        reader.assign(places)
        ended, deadline = 0, time.monotonic() + CALL_TIMEOUT_SECONDS
        while ended < len(places) and time.monotonic() < deadline:
            message = reader.poll(POLL_SECONDS)
            if message is None:
                continue
            if message.error() is not None:  # the end of a partition
                ended += 1
                continue
            yield message
        reader.close()


def _event(message: Message) -> CrmEvent | InvalidEvent:
    told: Any = message.headers() or []
    headers = [(name, value) for name, value in told if isinstance(value, bytes)]
    try:
        return read_event(message.topic() or "", message.key(), message.value(), headers)
    except InvalidEvent as error:
        return error
