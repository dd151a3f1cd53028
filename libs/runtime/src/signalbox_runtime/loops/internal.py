"""Messages of our own: one that can't be read is a bad deployment, so the service stops at it."""

from typing import TypeVar

from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import Message
from signalbox_runtime.errors import UndecodableInternalMessage
from signalbox_runtime.records import Headers, Inbound

TRACE_HEADER_MAX_BYTES = 8_192
"""W3C Trace Context asks to carry 512 characters. Headers count into a record's size: what a publisher sends
must not make our own messages too large."""
M = TypeVar("M", bound=Message)


def read(inbound: Inbound, expected: type[M]) -> M:
    """The message of `inbound`. Raises UndecodableInternalMessage for anything that is not `expected`."""
    message = read_any(inbound)
    if not isinstance(message, expected):
        raise UndecodableInternalMessage(
            f"{inbound.place} holds a {type(message).__name__}, where only {expected.__name__} belongs. "
            "Its offset is kept: find who wrote it, then skip it or release what reads it."
        )
    return message


def read_any(inbound: Inbound) -> Message:
    """The message of `inbound`, of whichever type. Raises UndecodableInternalMessage."""
    try:
        return codec.decode_any(inbound.value or b"")
    except UndecodableMessage as error:
        raise UndecodableInternalMessage(
            f"{inbound.place} can't be read: {error} Its offset is kept: release a version that reads it."
        ) from error


def trace(inbound: Inbound) -> Headers:
    """The headers that follow an event through every topic: W3C Trace Context."""
    return tuple(
        header
        for header in inbound.headers
        if header[0] in ("traceparent", "tracestate") and len(header[1]) <= TRACE_HEADER_MAX_BYTES
    )
