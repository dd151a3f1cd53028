"""The records that changed lately, read from the end of a module's topic."""

from typing import Final

import msgspec

from signalbox_contracts import topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import InvalidEvent
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.record_title import title_of
from signalbox_runtime.kafka.broker import Kafka

RECORDS_MAX: Final = 100
NEWEST_PER_PARTITION: Final = 1_000
"""Records looked at of each partition: what somebody tests with is nearly always new."""
READ_TIMEOUT_SECONDS: Final = 0.5


class RecentRecords:
    """Looks for records with clients of its own; for a thread of its own."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka

    def find(self, tenant_id: str, module: str, part: str | None, limit: int) -> list[CrmEvent]:
        """The last event of each record whose title or id has `part`, newest first, at most `limit`."""
        newest: dict[str, CrmEvent] = {}
        wanted = (part or "").casefold()
        for event in self._events(tenant_id, module):
            title = title_of(msgspec.json.decode(event.record)) or ""
            if wanted in title.casefold() or wanted in event.record_id.casefold():
                known = newest.get(event.record_id)
                if known is None or known.occurred_at_ms <= event.occurred_at_ms:
                    newest[event.record_id] = event
        return sorted(newest.values(), key=lambda event: event.occurred_at_ms, reverse=True)[:limit]

    def _events(self, tenant_id: str, module: str) -> list[CrmEvent]:
        offsets = self._kafka.offsets()
        partitions = offsets.partitions([topics.crm_topic(module)])
        begins, ends = offsets.begin_offsets(partitions), offsets.end_offsets(partitions)
        starts = {
            place: max(begins[place], ends[place] - NEWEST_PER_PARTITION)
            for place in partitions
            if ends[place] > begins[place]
        }
        if not starts:
            return []
        prefix = f"{tenant_id}/".encode()
        found: list[CrmEvent] = []
        reader = self._kafka.reader(starts)
        try:
            while any(reader.position(place) < ends[place] for place in starts):
                for inbound in reader.read(NEWEST_PER_PARTITION, READ_TIMEOUT_SECONDS):
                    if inbound.key is None or not inbound.key.startswith(prefix):
                        continue
                    try:
                        event = read_event(inbound.topic, inbound.key, inbound.value, inbound.headers)
                    except InvalidEvent:
                        continue
                    found.append(event)
        finally:
            reader.close()
        return found
