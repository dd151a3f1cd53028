"""Records given up: the raw bytes go to `dead-letters`, with where they came from and why."""

from signalbox_contracts import topics
from signalbox_runtime import metrics
from signalbox_runtime.records import Inbound, Outbound

SOURCE_TOPIC = "source-topic"
SOURCE_PARTITION = "source-partition"
SOURCE_OFFSET = "source-offset"
SERVICE = "service"
ERROR = "error"
GIVEN_UP_AT = "given-up-at-ms"
ERROR_MAX_CHARACTERS = 2_000


def dead_letter(inbound: Inbound, service: str, error: str, at_ms: int) -> Outbound:
    """The record to send in the same transaction as the offset of `inbound`.

    Key, value and headers are the source's own; the headers named above are added after them.
    """
    metrics.DEAD_LETTERS.labels(service, inbound.topic).inc()
    added = (
        (SOURCE_TOPIC, inbound.topic.encode()),
        (SOURCE_PARTITION, str(inbound.partition).encode()),
        (SOURCE_OFFSET, str(inbound.offset).encode()),
        (SERVICE, service.encode()),
        (ERROR, error[:ERROR_MAX_CHARACTERS].encode()),
        (GIVEN_UP_AT, str(at_ms).encode()),
    )
    return Outbound(topics.DEAD_LETTERS, inbound.key, inbound.value, (*inbound.headers, *added))
