"""What of an event's headers follows it."""

from signalbox_runtime.loops.internal import TRACE_HEADER_MAX_BYTES, trace
from signalbox_runtime.records import Inbound


def test_the_trace_follows_unless_it_would_make_our_own_messages_too_large() -> None:
    parent = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    headers = (parent, ("tracestate", b"x" * TRACE_HEADER_MAX_BYTES), ("ce_id", b"evt-1"))
    inbound = Inbound(
        topic="crm.leads", partition=0, offset=0, timestamp_ms=0, key=b"k", value=b"", headers=headers
    )
    assert trace(inbound) == headers[:2]
    large = Inbound(
        topic="crm.leads",
        partition=0,
        offset=0,
        timestamp_ms=0,
        key=b"k",
        value=b"",
        headers=(parent, ("tracestate", b"x" * 3_000_000)),
    )
    assert trace(large) == (parent,)
