"""Hands mails to an SMTP server over kept connections, step by step, so that it is known how far one came."""

import asyncio
import ssl
from collections import deque
from typing import Literal, Protocol

import aiosmtplib
import msgspec
from aiosmtplib import errors

from action_runner.adapters.resolver import Resolver
from action_runner.adapters.vetted_socket import NotConnected, connect
from action_runner.domain.target import Endpoint
from signalbox_rules.mail.compose import Mail
from signalbox_runtime import fault

IDLE_MAX_SECONDS = 10.0
MAILS_PER_CONNECTION = 100
"""Servers limit it; Postfix asks for it by 421 at 100 and over."""
CONNECT_TIMEOUT_SECONDS = 10.0
CLOSING = 421
QUIT_TIMEOUT_SECONDS = 1.0

Security = Literal["auto", "starttls", "tls", "none"]
"""auto: STARTTLS where the server offers it."""


class SmtpServer(msgspec.Struct, frozen=True):
    """Where mail is handed over. `vetted` servers are named by a tenant and must be public."""

    host: str
    port: int
    security: Security = "auto"
    user: str | None = None
    password: str | None = None
    vetted: bool = False

    @property
    def destination(self) -> str:
        """What limits and breaker belong to."""
        return f"{self.host}:{self.port}"


class Reply(msgspec.Struct, frozen=True):
    """What the server said; `text` is well-formed Unicode without NUL, whatever the server's bytes were."""

    code: int
    text: str


class Handed(msgspec.Struct, frozen=True):
    """The server took the mail for all recipients but the refused."""

    reply: Reply
    refused: dict[str, Reply]


class Refused(msgspec.Struct, frozen=True):
    """The server took it for nobody. `step` is where: connection, login, sender, recipients or data."""

    step: str
    replies: tuple[Reply, ...]
    detail: str

    @property
    def is_permanent(self) -> bool:
        """5xx for every recipient; one 4xx among them may pass."""
        return bool(self.replies) and all(500 <= reply.code <= 599 for reply in self.replies)


class NoReply(msgspec.Struct, frozen=True):
    """No reply came. `sent` tells whether the server may have taken the mail."""

    kind: Literal["connect", "tls", "timeout", "closed", "not-smtp", "address-refused", "name-unresolved"]
    detail: str
    sent: bool


class MailSender(Protocol):
    """What the action needs of SMTP."""

    async def send(
        self, server: SmtpServer, mail: Mail, timeout_seconds: float
    ) -> Handed | Refused | NoReply:
        """One mail, all in all within `timeout_seconds`."""
        ...


class _Kept(msgspec.Struct):
    smtp: aiosmtplib.SMTP
    mails: int
    idle_since: float


class SmtpSender:
    """Belongs to one event loop; `close` it there."""

    def __init__(self, resolver: Resolver, local_hostname: str, tls: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._resolver = resolver
        self._local_hostname = local_hostname
        self._tls = tls or ssl.create_default_context()
        self._idle: dict[SmtpServer, deque[_Kept]] = {}
        self._sweeper = self._loop.call_later(IDLE_MAX_SECONDS, self._sweep)

    async def close(self) -> None:
        """Leaves every server politely, and does not wait long for its word."""
        self._sweeper.cancel()
        kept = [one for many in self._idle.values() for one in many]
        self._idle.clear()
        await asyncio.gather(*(_leave(one.smtp) for one in kept))

    async def send(
        self, server: SmtpServer, mail: Mail, timeout_seconds: float
    ) -> Handed | Refused | NoReply:
        """See MailSender."""
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._send(server, mail, progress)
        except TimeoutError:
            return NoReply("timeout", f"{server.destination} did not answer in time.", progress.data_begun)

    async def _send(
        self, server: SmtpServer, mail: Mail, progress: "_Progress"
    ) -> Handed | Refused | NoReply:
        kept = self._take(server)
        if kept is not None:
            answer = await self._hand_over(server, kept, mail, progress)
            if progress.data_begun or not _was_closing(answer):
                return answer
        opened = await self._open(server)
        if not isinstance(opened, aiosmtplib.SMTP):
            return opened
        return await self._hand_over(server, _Kept(opened, 0, 0.0), mail, progress)

    async def _hand_over(
        self, server: SmtpServer, kept: _Kept, mail: Mail, progress: "_Progress"
    ) -> Handed | Refused | NoReply:
        smtp = kept.smtp
        is_usable = False
        answer: Handed | Refused | NoReply
        try:
            answer = await _transfer(smtp, mail, progress)
            is_usable = isinstance(answer, Handed) or await _reset(smtp)
        except errors.SMTPResponseException as error:
            step = "data" if progress.data_begun else "sender"  # a recipient's refusal is no exception
            answer = _answer_of(error, server, step, sent=progress.data_begun)
            is_usable = isinstance(answer, Refused) and await _reset(smtp)
        except (errors.SMTPException, OSError) as error:
            answer = NoReply(
                "closed", f"{server.destination} closed the connection: {error}.", progress.data_begun
            )
        finally:
            if is_usable and kept.mails + 1 < MAILS_PER_CONNECTION:
                self._idle.setdefault(server, deque()).append(_Kept(smtp, kept.mails + 1, self._loop.time()))
            else:
                smtp.close()
        return answer

    def _take(self, server: SmtpServer) -> _Kept | None:
        idle = self._idle.get(server)
        while idle:
            kept = idle.pop()
            if kept.smtp.is_connected and self._loop.time() - kept.idle_since < IDLE_MAX_SECONDS:
                return kept
            kept.smtp.close()
        return None

    def _sweep(self) -> None:
        oldest = self._loop.time() - IDLE_MAX_SECONDS
        for server, kept in list(self._idle.items()):
            while kept and (not kept[0].smtp.is_connected or kept[0].idle_since < oldest):
                kept.popleft().smtp.close()
            if not kept:
                del self._idle[server]
        self._sweeper = self._loop.call_later(IDLE_MAX_SECONDS, self._sweep)

    async def _open(self, server: SmtpServer) -> aiosmtplib.SMTP | Refused | NoReply:
        endpoint = Endpoint(server.host, server.port, server.host.lower(), vetted=server.vetted)
        until = self._loop.time() + CONNECT_TIMEOUT_SECONDS
        # A tenant has one server at most, so that stands for the tenant.
        sock = await connect(self._resolver, f"mail by {server.host}", endpoint, until)
        if isinstance(sock, NotConnected):
            return NoReply(sock.kind, sock.detail, sent=False)
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            sock=sock,
            port=None,
            local_hostname=self._local_hostname,
            use_tls=server.security == "tls",
            start_tls={"auto": None, "starttls": True}.get(server.security, False),
            tls_context=self._tls,
            timeout=None,  # the whole exchange has one
        )
        try:
            await smtp.connect()
            refused = await self._log_in(server, smtp)
        except errors.SMTPResponseException as error:
            smtp.close()
            step = "login" if isinstance(error, errors.SMTPAuthenticationError) else "connection"
            return _answer_of(error, server, step, sent=False)
        except ssl.SSLError as error:
            smtp.close()
            return NoReply("tls", f"No TLS with {server.destination}: {error.reason or error}.", sent=False)
        except (errors.SMTPException, OSError) as error:
            smtp.close()
            return NoReply("connect", f"No connection to {server.destination}: {error}.", sent=False)
        except asyncio.CancelledError:
            smtp.close()  # the time is over
            raise
        if refused is not None:
            smtp.close()
            return refused
        return smtp

    async def _log_in(self, server: SmtpServer, smtp: aiosmtplib.SMTP) -> Refused | None:
        if server.user is None:
            return None
        if smtp.get_transport_info("sslcontext") is None:
            return Refused(
                "login",
                (Reply(538, "Encryption required"),),
                f"{server.destination} offers no TLS, and a password is never sent without.",
            )
        await smtp.login(server.user, server.password or "")
        return None


class _Progress:
    """How far a mail came."""

    def __init__(self) -> None:
        self.data_begun = False


async def _transfer(smtp: aiosmtplib.SMTP, mail: Mail, progress: _Progress) -> Handed | Refused:
    await smtp.mail(mail.sender)
    refused: dict[str, Reply] = {}
    for recipient in mail.recipients:
        try:
            await smtp.rcpt(recipient)
        except errors.SMTPRecipientRefused as error:
            refused[recipient] = _reply(error.code, error.message)
    if len(refused) == len(mail.recipients):
        first = next(iter(refused.values()))
        return Refused(
            "recipients", tuple(refused.values()), f"Every recipient was refused: {first.code} {first.text}"
        )
    progress.data_begun = True
    fault.at("runner.in_call")
    response = await smtp.data(mail.data)
    return Handed(_reply(response.code, response.message), refused)


def _was_closing(answer: Handed | Refused | NoReply) -> bool:
    """Whether a kept connection ended under the mail, by silence or by the word for it (RFC 5321, 3.8)."""
    if isinstance(answer, NoReply):
        return True
    return isinstance(answer, Refused) and any(reply.code == CLOSING for reply in answer.replies)


def _reply(code: int, text: str) -> Reply:
    """The library keeps bytes that are no UTF-8 as lone surrogates, which no message of ours can carry."""
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return Reply(code, clean.replace("\x00", "\ufffd"))


def _answer_of(
    error: errors.SMTPResponseException, server: SmtpServer, step: str, *, sent: bool
) -> Refused | NoReply:
    if error.code < 0:  # the library's word for a line that is no reply
        return NoReply("not-smtp", f"{server.destination} does not speak SMTP: {error.message.strip()}", sent)
    reply = _reply(error.code, error.message)
    return Refused(step, (reply,), f"{reply.code} {reply.text}")


async def _reset(smtp: aiosmtplib.SMTP) -> bool:
    """Whether the connection takes another mail."""
    try:
        await smtp.rset()
    except (errors.SMTPException, OSError):
        return False
    return True


async def _leave(smtp: aiosmtplib.SMTP) -> None:
    try:
        async with asyncio.timeout(QUIT_TIMEOUT_SECONDS):
            await smtp.quit()
    except (errors.SMTPException, OSError, TimeoutError):
        smtp.close()
