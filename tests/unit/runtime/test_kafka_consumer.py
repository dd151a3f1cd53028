"""What becomes of the client's messages, without a broker."""

from typing import Any

import pytest

from signalbox_runtime.kafka.consumer import _inbound


class FakeMessage:
    """As confluent_kafka.Message, with headers of the test's choice."""

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def topic(self) -> str:
        return "crm.leads"

    def partition(self) -> int:
        return 1

    def offset(self) -> int:
        return 7

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_795_428_000_000

    def key(self) -> bytes:
        return b"acme/leads/lead-1"

    def value(self) -> bytes:
        return b"{}"

    def headers(self) -> Any:
        if isinstance(self._headers, Exception):
            raise self._headers
        return self._headers


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        (None, ()),
        ([("a", b"1"), ("a", None)], (("a", b"1"), ("a", b""))),
        # Seen on a broker: a header's name of the bytes ff fe.
        (SystemError("<method 'headers'> returned a result with an exception set"), ()),
    ],
)
def test_headers_that_cannot_be_read_do_not_stop_the_partition(headers: Any, read: Any) -> None:
    inbound = _inbound(FakeMessage(headers))  # type: ignore[arg-type]
    assert (inbound.headers, inbound.place) == (read, "crm.leads-1@7")
