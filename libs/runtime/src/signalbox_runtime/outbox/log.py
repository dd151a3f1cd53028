"""The relay's side of Kafka: take over from whoever sent before, then one transaction per batch.

All calls block and belong to one thread.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import OutboxPosition
from signalbox_runtime import fault
from signalbox_runtime.errors import KafkaFailure
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.kafka.visibility import wait_until_visible
from signalbox_runtime.outbox.errors import RelayLogFailed
from signalbox_runtime.records import Outbound

TAKE_OVER_SECONDS: Final = 60.0
READ_RECORDS: Final = 1_000
_READ_BEFORE_EVENTS: Final = frozenset({topics.DEFINITIONS, topics.SECRETS})
"""Only relays write these, and "effective" promises that the next event sees what they say."""


class RelayLog(Protocol):
    """Where a relay sends to."""

    def take_over(self) -> OutboxPosition | None:
        """Ends what an earlier relay of the same name left open, and tells how far it came."""
        ...

    def send(self, records: Sequence[Outbound], position: OutboxPosition) -> None:
        """Sends `records` and the new position, all or nothing. Raises RelayLogFailed when in doubt."""
        ...

    def close(self) -> None:
        """Gives the connection up; what is open is aborted by the next `take_over`."""
        ...


RelayLogFactory = Callable[[], RelayLog]


class KafkaRelayLog:
    """A relay's connection to Kafka, usable until its first failure."""

    def __init__(self, name: str, kafka: Kafka) -> None:
        self._name = name
        self._kafka = kafka
        self._producer = kafka.transactional_producer(f"{name}-outbox")
        self._offsets = kafka.offsets()

    def take_over(self) -> OutboxPosition | None:
        """Fences the relay before this one, then reads `outbox.positions` up to a mark it sets itself.

        The topic's end as committed reading sees it will not do: while another relay's transaction is
        open, it lies before positions of ours that are committed long since. Past a mark of our own,
        everything of ours has been read.
        """
        try:
            self._producer.initialise()
            mark = OutboxPosition(relay=f"{self._name}#mark", generation=secrets.token_hex(16), last_id=0)
            self._begin([_record(mark)])
            self._producer.commit()
            return self._read_until(mark)
        except KafkaFailure as error:
            raise RelayLogFailed(f"relay {self._name} can't take over: {error}") from error

    def send(self, records: Sequence[Outbound], position: OutboxPosition) -> None:
        fault.at("relay.before_send")
        try:
            self._begin([*records, _record(position)])
            fault.at("relay.before_commit")
            self._producer.commit()
            promised = {record.topic for record in records} & _READ_BEFORE_EVENTS
            wait_until_visible(self._offsets, promised, time.monotonic, time.sleep)
        except KafkaFailure as error:
            raise RelayLogFailed(
                f"relay {self._name} could not send up to row {position.last_id}: {error}"
            ) from error
        fault.at("relay.after_commit")

    def close(self) -> None:
        self._producer.destroy()

    def _begin(self, records: Sequence[Outbound]) -> None:
        self._producer.begin()
        for record in records:
            self._producer.produce(record)

    def _read_until(self, mark: OutboxPosition) -> OutboxPosition | None:
        partitions = self._kafka.offsets().partitions([topics.OUTBOX_POSITIONS])
        reader = self._kafka.reader(dict.fromkeys(partitions, 0))
        found: OutboxPosition | None = None
        deadline = time.monotonic() + TAKE_OVER_SECONDS
        try:
            while time.monotonic() < deadline:
                for inbound in reader.read(READ_RECORDS, 0.2):
                    if inbound.value is None:
                        continue
                    position = codec.decode(inbound.value, OutboxPosition)
                    if position == mark:
                        return found
                    if position.relay == self._name:
                        found = position
        finally:
            reader.close()
        raise RelayLogFailed(
            f"relay {self._name} could not read outbox.positions to its end in {TAKE_OVER_SECONDS:.0f} s; "
            "another relay's transaction seems to be open"
        )


def _record(position: OutboxPosition) -> Outbound:
    return Outbound(topics.OUTBOX_POSITIONS, position.relay.encode(), codec.encode(position))
