"""What goes through a loop: a record in, an outbox of records out."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from signalbox_contracts import codec
from signalbox_contracts.messages import Message

Headers = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it was consumed. `timestamp_ms` is the broker's append time where the topic says so."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def place(self) -> str:
        """Where it lies, for people: `topic-partition@offset`."""
        return f"{self.topic}-{self.partition}@{self.offset}"

    def header(self, name: str) -> bytes | None:
        """The last header of that name."""
        return next((value for key, value in reversed(self.headers) if key == name), None)


class Outbound(msgspec.Struct, frozen=True):
    """A record to produce. A value of None is a tombstone; only a dead letter may lack a key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Outbox:
    """The records that one inbound record leads to; they are produced in one transaction with its offset."""

    __slots__ = ("records",)

    def __init__(self, records: Iterable[Outbound] = ()) -> None:
        self.records: list[Outbound] = list(records)

    def send(self, topic: str, key: bytes, message: Message, headers: Headers = ()) -> None:
        """Adds `message`, encoded."""
        self.records.append(Outbound(topic, key, codec.encode(message), headers))

    def __iter__(self) -> Iterator[Outbound]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)
