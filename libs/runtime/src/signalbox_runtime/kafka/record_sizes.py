"""How large a record is, and how large its topic lets it be."""

from functools import lru_cache

from signalbox_contracts import topics
from signalbox_runtime.kafka.options import MESSAGE_MAX_BYTES
from signalbox_runtime.records import Outbound


def size_of(record: Outbound) -> int:
    """Bytes of key, value and headers."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name) + len(value)
    return size


@lru_cache(maxsize=256)
def size_limit(topic: str) -> int:
    """Bytes that a record of `topic` may have, as `schemas/topics` declares it."""
    declared = topics.topics_by_name().get(topic)
    return declared.max_message_bytes if declared is not None else MESSAGE_MAX_BYTES
