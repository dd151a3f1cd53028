"""Records and work for the tests of the lanes loop."""

from signalbox_runtime.loops.lanes.handler import Work
from signalbox_runtime.loops.lanes.schedule import Entry
from signalbox_runtime.records import Inbound, TopicPartition

TOPIC = "actions.webhook"
P0 = TopicPartition(TOPIC, 0)
P1 = TopicPartition(TOPIC, 1)


def inbound(offset: int, key: bytes = b"acme/leads/1", partition: TopicPartition = P0) -> Inbound:
    return Inbound(
        topic=partition.topic,
        partition=partition.partition,
        offset=offset,
        timestamp_ms=0,
        key=key,
        value=b"",
    )


def entry(
    offset: int,
    key: str | None = None,
    *,
    tenant: str = "acme",
    destination: str = "d",
    partition: TopicPartition = P0,
    epoch: int = 1,
) -> Entry[None]:
    """Work in a lane of its own unless `key` is given."""
    record = inbound(offset, (key or f"k{offset}").encode(), partition)
    return Entry(Work(record, tenant, destination, None), epoch)
