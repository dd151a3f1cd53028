"""A mail server that delivers nowhere: SMTP takes messages, HTTP shows them.

    GET /messages      what was taken, oldest first     DELETE /messages   forget it
    GET /behaviour     how SMTP answers                 PUT /behaviour     {"reply": "451 4.3.0 try later"}
    GET /readyz        200 when both servers listen

Run as a process of its own: `python -m signalbox_embedded.mailbox FOLDER SMTP_PORT HTTP_PORT`. Messages are
appended to a file in FOLDER before SMTP answers, so a restart keeps them.
"""

import asyncio
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signalbox_embedded.mailbox_message import MailboxMessage, read_message

_HOST = "127.0.0.1"
_JSON = "application/json"


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How SMTP answers: `reply` instead of taking the message (None takes it), at a recipient or at the
    message's end, after `delay_ms`; `keep` stores the message all the same, as if only the answer were lost.
    """

    reply: str | None = None
    at: Literal["recipient", "message"] = "message"
    delay_ms: int = 0
    keep: bool = False


class Mailbox:
    """The messages, in memory and in one file of JSON lines."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "messages.jsonl"
        self._decoder = msgspec.json.Decoder(MailboxMessage)
        self.messages = self._read()
        self._file = self._path.open("ab")

    def add(self, message: MailboxMessage) -> None:
        self._file.write(msgspec.json.encode(message) + b"\n")
        self._file.flush()
        self.messages.append(message)

    def clear(self) -> None:
        self._file.truncate(0)
        self.messages.clear()

    def close(self) -> None:
        self._file.close()

    def _read(self) -> list[MailboxMessage]:
        if not self._path.exists():
            return []
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):  # a crash in the middle of a line: SMTP never confirmed that message
            self._path.write_bytes(whole)
        return [self._decoder.decode(line) for line in whole.splitlines()]


class SmtpHandler:
    """What aiosmtpd calls; the method names are its own."""

    def __init__(self, mailbox: Mailbox, now: Callable[[], datetime]) -> None:
        self.behaviour = Behaviour()
        self._mailbox = mailbox
        self._now = now

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.behaviour.at == "recipient" and self.behaviour.reply is not None:
            await asyncio.sleep(self.behaviour.delay_ms / 1000)
            return self.behaviour.reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        behaviour = self.behaviour
        refused = behaviour.at == "message" and behaviour.reply is not None
        message_id = uuid.uuid4().hex
        if not refused or behaviour.keep:
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self._mailbox.add(read_message(content, envelope.rcpt_tos, self._now(), message_id))
        await asyncio.sleep(behaviour.delay_ms / 1000)
        return behaviour.reply if refused and behaviour.reply else f"250 2.0.0 Ok: taken as {message_id}"


def application(mailbox: Mailbox, handler: SmtpHandler) -> Starlette:
    """The HTTP side."""

    async def messages(request: Request) -> Response:
        if request.method == "DELETE":
            mailbox.clear()
            return Response(status_code=204)
        return Response(msgspec.json.encode(mailbox.messages), media_type=_JSON)

    async def behaviour(request: Request) -> Response:
        if request.method == "PUT":
            try:
                handler.behaviour = msgspec.json.decode(await request.body(), type=Behaviour)
            except msgspec.DecodeError as error:
                return Response(str(error), status_code=422, media_type="text/plain")
        return Response(msgspec.json.encode(handler.behaviour), media_type=_JSON)

    async def ready(_request: Request) -> Response:
        return Response("ready\n", media_type="text/plain")

    return Starlette(
        routes=[
            Route("/messages", messages, methods=["GET", "DELETE"]),
            Route("/behaviour", behaviour, methods=["GET", "PUT"]),
            Route("/readyz", ready),
        ]
    )


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Run both servers until SIGTERM or SIGINT."""
    mailbox = Mailbox(folder)
    handler = SmtpHandler(mailbox, lambda: datetime.now(UTC))
    loop = asyncio.get_running_loop()
    # The host name is given, or aiosmtpd would ask the resolver for it.
    smtp = await loop.create_server(
        lambda: SMTP(handler, hostname="mailbox.localhost", enable_SMTPUTF8=True), _HOST, smtp_port
    )
    config = uvicorn.Config(
        application(mailbox, handler), host=_HOST, port=http_port, log_level="warning", lifespan="off"
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        smtp.close()
        mailbox.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
