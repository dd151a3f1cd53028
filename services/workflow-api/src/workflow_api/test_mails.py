"""The test mail: a mail action of a dry run, sent to nobody but the caller."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Protocol

from signalbox_rules.errors import RefusedMail
from signalbox_rules.mail.compose import Mail, MailContent, compose
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.auth import Principal
from signalbox_runtime.http.problems import Problem, ProblemPlace, conflict, invalid
from workflow_api.domain.dry_run import ActionTried, DryRun
from workflow_api.errors import MailNotTaken

SUBJECT_PREFIX: Final = "[Test] "
MESSAGE_ID_DOMAIN: Final = "signalbox.test"


class MailOut(Protocol):
    """Where mails are handed in."""

    async def send(self, mail: Mail) -> str:
        """Hands a mail in; returns the server's reply. Raises MailNotTaken."""
        ...


@dataclass(frozen=True, slots=True)
class MailSent:
    """A test mail that the server took."""

    action_id: str
    recipient: str
    would_go_to: tuple[str, ...]
    message_id: str
    reply: str


class TestMails:
    """Sends test mails."""

    __test__ = False  # the name is the domain's, and pytest would take it for a test case

    def __init__(self, mail_out: MailOut, sender: str, clock: Clock) -> None:
        self._mail_out = mail_out
        self._sender = sender
        self._clock = clock

    async def send(self, caller: Principal, run: DryRun, action_id: str | None) -> MailSent:
        """Sends the mail of an action (None: the first) to the caller. Raises 409, 422 and 503 problems."""
        if caller.email is None:
            raise conflict(
                "no-address",
                f"The key {caller.key_name!r} has no email address to send to; an admin gives it one with "
                f"PUT /v1/api-keys/{caller.key_id}.",
            )
        action = _mail_action(run, action_id)
        mail = composed(action, self._sender, caller.email, self._clock.now_ms())
        try:
            reply = await self._mail_out.send(mail)
        except MailNotTaken as error:
            raise Problem(
                503, "mail-not-taken", "The mail server did not take the mail", str(error)
            ) from error
        recipients = tuple(
            address for kind in ("to", "cc", "bcc") for address in action.parameters.get(kind, ())
        )
        return MailSent(action.id, caller.email, recipients, mail.message_id, reply)


def composed(action: ActionTried, sender: str, recipient: str, now_ms: int) -> Mail:
    """The mail as the action would send it, but for its recipient, sender and subject's beginning.

    Raises a 422 problem for what the runner would refuse.
    """
    parameters = action.parameters
    reply_to = parameters.get("reply_to")
    content = MailContent(
        sender=sender,
        to=(recipient,),
        reply_to=(reply_to,) if reply_to else (),
        subject=SUBJECT_PREFIX + parameters["subject"],
        text=parameters.get("text"),
        html=parameters.get("html"),
    )
    key = hashlib.sha256(
        f"{action.effect_key} {now_ms}".encode()
    ).hexdigest()  # each test is a mail of its own
    try:
        return compose(content, key, MESSAGE_ID_DOMAIN, now_ms)
    except RefusedMail as error:
        raise invalid("mail-not-sendable", str(error)) from error


def _mail_action(run: DryRun, action_id: str | None) -> ActionTried:
    mails = [action for action in run.actions if action.type == "send_email"]
    chosen: Any = next((action for action in mails if action_id in (None, action.id)), None)
    if chosen is None:
        there = ", ".join(action.id for action in mails) or "none"
        place = ProblemPlace(pointer="/action", detail=f"must be the id of a mail of this workflow: {there}")
        raise invalid("no-such-action", f"This workflow has no such mail; its mails are: {there}.", [place])
    if chosen.problems:
        places = [
            ProblemPlace(pointer=f"/actions/{chosen.id}{problem.pointer}", detail=problem.detail)
            for problem in chosen.problems
        ]
        raise invalid("mail-not-sendable", f"This mail would fail: {places[0].detail}", places)
    assert isinstance(chosen, ActionTried)
    return chosen
