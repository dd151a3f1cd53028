"""Mails to SMTP servers that take, refuse, hang and hang up."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from action_runner.adapters.resolver import Resolver
from action_runner.adapters.smtp import Handed, NoReply, Refused, SmtpSender, SmtpServer
from signalbox_embedded.ports import free_ports
from signalbox_rules.mail.compose import Mail
from tests.integration.action_runner.certificates import certificate
from tests.integration.action_runner.receivers import Behaviour, receiver

MAIL = Mail(
    "s@crm.example", ("ada@example.com", "bob@example.com"), "<id@x>", b"Subject: Hi\r\n\r\n.dot\r\nHi\r\n"
)


class Script:
    """A server that gives each command the reply it is told; 250 otherwise. `mails` is what it took."""

    def __init__(self, **replies: str) -> None:
        self.replies = replies
        self.commands: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self.was_left = asyncio.Event()

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.replies.get("GREETING", "220 ready").encode() + b"\r\n")
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            reply = self._reply(line, verb)
            if reply == "hang":
                await reader.read()
                self.was_left.set()
            if reply in ("hang", "close"):
                return
            writer.write(reply.encode("utf-8", "surrogateescape") + b"\r\n")
            if verb == "DATA" and reply.startswith("354"):
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                ending = self.replies.get("MAIL_TAKEN", "250 taken as 42")
                if ending == "hang":
                    await asyncio.sleep(30)
                if ending == "close":
                    return
                writer.write(ending.encode() + b"\r\n")

    def _reply(self, line: str, verb: str) -> str:
        for wanted, reply in self.replies.items():
            if line.upper().startswith(wanted):
                return reply
        return {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")


@pytest.fixture
async def sender() -> AsyncIterator[SmtpSender]:
    made = SmtpSender(Resolver(frozenset()), "runner.example")
    yield made
    await made.close()


async def handed(
    sender: SmtpSender, behaviour: Behaviour, times: int = 1, timeout_seconds: float = 5.0
) -> Handed | Refused | NoReply:
    async with receiver(behaviour) as port:
        for _ in range(times):
            answer = await sender.send(SmtpServer("127.0.0.1", port), MAIL, timeout_seconds)
        return answer


async def test_a_mail_is_handed_over_whole_and_the_connection_kept(sender: SmtpSender) -> None:
    script = Script()
    answer = await handed(sender, script.behave, times=3)
    assert isinstance(answer, Handed)
    assert (answer.reply.code, answer.reply.text, answer.refused) == (250, "taken as 42", {})
    assert script.connections == 1
    assert script.mails == [b"Subject: Hi\r\n\r\n..dot\r\nHi\r\n.\r\n"] * 3
    assert [line for line in script.commands if line.startswith("EHLO")] == ["EHLO runner.example"]


async def test_refused_recipients_are_told_and_the_others_get_it(sender: SmtpSender) -> None:
    script = Script(**{"RCPT TO:<BOB": "550 5.1.1 no such user"})
    answer = await handed(sender, script.behave)
    assert isinstance(answer, Handed)
    assert {address: reply.code for address, reply in answer.refused.items()} == {"bob@example.com": 550}
    assert len(script.mails) == 1


@pytest.mark.parametrize(
    ("replies", "is_permanent"),
    [
        ({"RCPT": "550 no such user"}, True),
        ({"RCPT": "451 later"}, False),
        ({"RCPT TO:<ADA": "550 no", "RCPT TO:<BOB": "450 later"}, False),
        ({"MAIL": "552 too much mail"}, True),
        ({"MAIL": "451 later"}, False),
        ({"DATA": "554 no"}, True),
        ({"MAIL_TAKEN": "554 looks like spam"}, True),
        ({"MAIL_TAKEN": "451 later"}, False),
        ({"GREETING": "554 not today"}, True),
        ({"GREETING": "421 later"}, False),
    ],
)
async def test_what_a_refusal_means(sender: SmtpSender, replies: dict[str, str], is_permanent: bool) -> None:
    answer = await handed(sender, Script(**replies).behave)
    assert isinstance(answer, Refused), answer
    assert answer.is_permanent == is_permanent


async def test_a_refused_mail_leaves_a_connection_that_takes_the_next(sender: SmtpSender) -> None:
    script = Script(RCPT="550 no such user")
    async with receiver(script.behave) as port:
        server = SmtpServer("127.0.0.1", port)
        assert isinstance(await sender.send(server, MAIL, 5), Refused)
        script.replies = {}
        assert isinstance(await sender.send(server, MAIL, 5), Handed)
    assert script.connections == 1
    assert "RSET" in script.commands


async def test_a_reply_in_latin_1_is_still_text(sender: SmtpSender) -> None:
    empfaenger = b"550 Empf\xe4nger unbekannt".decode("utf-8", "surrogateescape")
    for script in (Script(RCPT=empfaenger), Script(MAIL=empfaenger), Script(**{"RCPT TO:<BOB": empfaenger})):
        answer = await handed(sender, script.behave)
        assert isinstance(answer, Handed | Refused)
        (reply, *_) = answer.refused.values() if isinstance(answer, Handed) else answer.replies
        assert reply.text == "Empf\ufffdnger unbekannt"
        if isinstance(answer, Refused):
            assert "Empf\ufffdnger" in answer.detail


@pytest.mark.parametrize(
    ("verb", "step"),
    [("GREETING", "connection"), ("MAIL", "sender"), ("RCPT", "recipients"), ("DATA", "data")],
)
async def test_a_refusal_names_its_step(sender: SmtpSender, verb: str, step: str) -> None:
    answer = await handed(sender, Script(**{verb: "550 no"}).behave)
    assert isinstance(answer, Refused)
    assert answer.step == step


class Tired(Script):
    """Wants to close its first connection when the second mail comes."""

    def _reply(self, line: str, verb: str) -> str:
        if verb == "MAIL" and self.connections == 1 and self.mails:
            return "421 too long idle"
        return super()._reply(line, verb)


async def test_a_server_that_closes_a_kept_connection_gets_the_mail_on_a_new_one(sender: SmtpSender) -> None:
    script = Tired()
    assert isinstance(await handed(sender, script.behave, times=2), Handed)
    assert (script.connections, len(script.mails)) == (2, 2)


async def test_a_login_that_hangs_leaves_no_connection_behind(tmp_path: Path) -> None:
    context, trust = certificate(tmp_path, "localhost")
    script = Script(EHLO="250-here\r\n250 AUTH PLAIN", AUTH="hang")
    sender = SmtpSender(Resolver(frozenset()), "x.example", ssl.create_default_context(cafile=str(trust)))
    async with receiver(script.behave, tls=context) as port:
        answer = await sender.send(SmtpServer("127.0.0.1", port, "tls", "me", "s3cret"), MAIL, 0.5)
        assert isinstance(answer, NoReply)
        async with asyncio.timeout(2):
            await script.was_left.wait()
    await sender.close()


@pytest.mark.parametrize(
    ("replies", "kind", "sent"),
    [
        ({"MAIL_TAKEN": "hang"}, "timeout", True),
        ({"MAIL_TAKEN": "close"}, "closed", True),
        ({"RCPT": "hang"}, "timeout", False),
        ({"RCPT": "close"}, "closed", False),
        ({"EHLO": "hang"}, "timeout", False),
        ({"GREETING": "hello?"}, "not-smtp", False),
        ({"MAIL_TAKEN": "hello?"}, "not-smtp", True),
    ],
)
async def test_silence_is_unknown_only_after_the_data_went_out(
    sender: SmtpSender, replies: dict[str, str], kind: str, sent: bool
) -> None:
    answer = await handed(sender, Script(**replies).behave, timeout_seconds=0.5)
    assert isinstance(answer, NoReply), answer
    assert (answer.kind, answer.sent) == (kind, sent)


async def test_a_kept_connection_that_was_closed_is_replaced(sender: SmtpSender) -> None:
    script = Script()

    async def one_mail_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(script.behave(reader, writer))
        await asyncio.sleep(0.2)
        serving.cancel()

    async with receiver(one_mail_each) as port:
        for _ in range(2):
            assert isinstance(await sender.send(SmtpServer("127.0.0.1", port), MAIL, 5), Handed)
            await asyncio.sleep(0.4)
    assert len(script.mails) == 2


async def test_nobody_listening_is_no_connection(sender: SmtpSender) -> None:
    (port,) = free_ports(1)
    answer = await sender.send(SmtpServer("127.0.0.1", port), MAIL, 2)
    assert isinstance(answer, NoReply)
    assert (answer.kind, answer.sent) == ("connect", False)


async def test_a_tenants_server_must_be_public(sender: SmtpSender) -> None:
    script = Script()
    async with receiver(script.behave) as port:
        answer = await sender.send(SmtpServer("localhost", port, vetted=True), MAIL, 2)
    assert isinstance(answer, NoReply)
    assert answer.kind == "address-refused"
    assert script.connections == 0


# --- TLS and login, with a server of the standard kind ----------------------------------------------


class Box:
    """Takes mails."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append((session.ssl is not None, getattr(session, "auth_data", None), envelope.content))
        return "250 taken"


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"signalbox", b"s3cret"), handled=False)


@contextmanager
def server(box: Box, **options: Any) -> Iterator[int]:
    (port,) = free_ports(1)
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize("security", ["auto", "starttls", "tls"])
async def test_mails_go_over_verified_tls_after_login(tmp_path: Path, security: Any) -> None:
    context, trust = certificate(tmp_path, "localhost")
    box = Box()
    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": True}
    # aiosmtpd knows TLS only by STARTTLS: it does not offer AUTH on a connection that began with it.
    options |= (
        {"ssl_context": context, "auth_require_tls": False} if security == "tls" else {"tls_context": context}
    )
    with server(box, **options) as port:
        sender = SmtpSender(
            Resolver(frozenset()), "runner.example", ssl.create_default_context(cafile=str(trust))
        )
        address = SmtpServer("127.0.0.1", port, security, "signalbox", "s3cret")
        answer = await sender.send(address, MAIL, 5)
        wrong = await sender.send(SmtpServer("127.0.0.1", port, security, "signalbox", "wrong"), MAIL, 5)
        await sender.close()
        distrusting = SmtpSender(Resolver(frozenset()), "runner.example")
        unverified = await distrusting.send(address, MAIL, 5)
        await distrusting.close()
    assert isinstance(answer, Handed), answer
    assert isinstance(wrong, Refused), wrong
    assert wrong.is_permanent
    assert wrong.step == "login"
    assert "s3cret" not in wrong.detail
    assert isinstance(unverified, NoReply), unverified
    assert unverified.sent is False
    assert len(box.mails) == 1


async def test_a_password_is_never_sent_without_tls(sender: SmtpSender) -> None:
    script = Script(EHLO="250-runner\r\n250 AUTH PLAIN LOGIN")
    async with receiver(script.behave) as port:
        address = SmtpServer("127.0.0.1", port, "auto", "signalbox", "s3cret")
        answer = await sender.send(address, MAIL, 5)
    assert isinstance(answer, Refused)
    assert answer.is_permanent
    assert not [line for line in script.commands if line.upper().startswith("AUTH")]


async def test_starttls_that_is_required_and_not_offered_sends_nothing(sender: SmtpSender) -> None:
    script = Script()
    async with receiver(script.behave) as port:
        answer = await sender.send(SmtpServer("127.0.0.1", port, "starttls"), MAIL, 5)
    assert not isinstance(answer, Handed)
    assert script.mails == []
