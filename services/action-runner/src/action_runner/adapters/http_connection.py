"""One connection to a receiver: a request at a time, the answer read with limits.

`httptools` parses (llhttp, strict: a length given twice, a length beside a transfer coding, bare line feeds
and folded headers are errors). Around it: nothing unasked is accepted, and a connection is only kept when
its answer was complete, unambiguous, and followed by silence.
"""

import asyncio
import hashlib
from typing import cast

import httptools

from action_runner.adapters.http_messages import (
    BODY_KEPT_BYTES,
    HEAD_BYTES_MAX,
    RESPONSE_BYTES_MAX,
    HttpResponse,
    NoResponse,
    NoResponseKind,
)
from signalbox_runtime import fault

SWITCHING_PROTOCOLS = 101
SHA256_OF_NOTHING = hashlib.sha256().hexdigest()


class HttpConnection(asyncio.Protocol):
    """A kept connection. Not used before `connection_made`, one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.WriteTransport | None = None
        self._exchange: _Exchange | None = None
        self.is_open = False
        self.exchanges = 0
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class, by duck typing
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self.close()  # an answer nobody asked for: it must not become the next request's
            return
        exchange.receive(data)
        if exchange.answer.done():
            self._finish(exchange)

    def eof_received(self) -> bool:
        return False  # the transport closes itself

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.ended_by_peer(error)
            exchange.let_go()

    async def exchange(self, request: bytes, deadline: float) -> HttpResponse | NoResponse:
        """Sends a request and reads its answer until `deadline` (the loop's time)."""
        assert self._transport is not None
        assert self._exchange is None
        exchange = _Exchange(self._loop.create_future())
        self._exchange = exchange
        self.exchanges += 1
        self._transport.write(request)
        fault.at("runner.in_call")
        timer = self._loop.call_at(deadline, self._expire, exchange)
        try:
            return await exchange.answer
        finally:
            timer.cancel()
            if self._exchange is exchange:  # cancelled
                self._exchange = None
                exchange.let_go()
                self.close()

    def close(self) -> None:
        """Closes at once; what is still in the buffers is dropped."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def _expire(self, exchange: "_Exchange") -> None:
        exchange.expired()
        self._finish(exchange)

    def _finish(self, exchange: "_Exchange") -> None:
        if self._exchange is exchange:
            self._exchange = None
            exchange.let_go()
            if not exchange.reusable:
                self.close()


class _Exchange:
    """The reading of one answer: callbacks of the parser, and every way it can end."""

    __slots__ = (
        "_body_bytes",
        "_complete",
        "_head_complete",
        "_headers",
        "_keep_alive",
        "_messages",
        "_parser",
        "_received",
        "_sha",
        "_start",
        "_status",
        "answer",
        "reusable",
    )

    def __init__(self, answer: "asyncio.Future[HttpResponse | NoResponse]") -> None:
        self.answer = answer
        self.reusable = False
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._received = 0
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._head_complete = False
        self._messages = 0
        self._start = b""
        self._sha: hashlib._Hash | None = None
        """None before the first byte of a body: most answers have none."""
        self._body_bytes = 0
        self._complete = False
        self._keep_alive = False

    def receive(self, data: bytes) -> None:
        self._received += len(data)
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail("protocol", "The receiver switched to another protocol.")
        except httptools.HttpParserError as error:
            self._broken(str(error))
        else:
            if self._complete:
                self.reusable = self._messages == 1 and self._keep_alive
                self._answer(complete=True)
            elif not self._head_complete and self._received > HEAD_BYTES_MAX:
                self._fail("protocol", f"The answer's head is longer than {HEAD_BYTES_MAX:,} bytes.")
            elif self._received > RESPONSE_BYTES_MAX:
                self._answer(complete=False)

    def let_go(self) -> None:
        """It is over. Reading and parser hold each other: left so, all of it would wait for the collector."""
        self._parser = None

    def expired(self) -> None:
        """The time is over."""
        if self._head_complete:
            self._answer(complete=False)
        elif self._received:
            self._fail("timeout", "The receiver began to answer and did not finish the head in time.")
        else:
            self._fail("timeout", "The receiver did not answer in time.")

    def ended_by_peer(self, error: Exception | None) -> None:
        """The connection is gone. An answer without a length ends just so."""
        if self._head_complete:
            self._answer(complete=error is None and not self._has_length())
        elif self._received:
            self._fail("protocol", "The receiver closed the connection in the middle of its answer's head.")
        else:
            why = f": {error}" if error else ""
            self._fail("closed", f"The receiver closed the connection before it answered{why}.")

    def _has_length(self) -> bool:
        return any(name in ("content-length", "transfer-encoding") for name, _ in self._headers)

    def _broken(self, why: str) -> None:
        # Bytes after a complete answer are the receiver's fault, not the answer's.
        if self._complete or self._head_complete:
            self._answer(complete=self._complete)
        else:
            self._fail("protocol", f"The receiver did not answer in HTTP: {why}.")

    def _fail(self, kind: NoResponseKind, detail: str) -> None:
        if not self.answer.done():
            self.answer.set_result(NoResponse(kind, detail, sent=True))

    def _answer(self, *, complete: bool) -> None:
        if not self.answer.done():
            self.answer.set_result(
                HttpResponse(
                    self._status,
                    tuple(self._headers),
                    self._start,
                    SHA256_OF_NOTHING if self._sha is None else self._sha.hexdigest(),
                    self._body_bytes,
                    complete,
                )
            )

    # --- the parser's callbacks -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._messages += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_complete:  # trailers say nothing we use
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if self._complete:
            return
        if 100 <= status < 200 and status != SWITCHING_PROTOCOLS:
            self._headers.clear()
            return
        self._status = status
        self._head_complete = True
        self._keep_alive = self._parser.should_keep_alive()  # the parser forgets it when the message ends

    def on_body(self, body: bytes) -> None:
        if self._complete:
            return
        if len(self._start) < BODY_KEPT_BYTES:
            self._start += body[: BODY_KEPT_BYTES - len(self._start)]
        if self._sha is None:
            self._sha = hashlib.sha256()
        self._sha.update(body)
        self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        if self._head_complete:
            self._complete = True
        else:
            self._messages -= 1  # an interim answer (1xx): the real one follows
