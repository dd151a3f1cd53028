"""Send Email: one mail to all its recipients, handed to an SMTP server once."""

from typing import assert_never

import msgspec

from action_runner.actions.action import CallAction, Job, PreparedCall, Surroundings
from action_runner.adapters.smtp import Handed, NoReply, Refused, Reply, SmtpServer
from action_runner.domain.outcome import Failure, Outcome, Permanent, Retryable, Succeeded, Unknown
from action_runner.errors import UnfitMail
from signalbox_rules.errors import RefusedMail
from signalbox_rules.mail.compose import MailContent, compose


class MailCall(msgspec.Struct, frozen=True):
    """A mail but for its date, which each attempt has of its own."""

    server: SmtpServer
    content: MailContent
    effect_key: str
    surroundings: Surroundings
    warnings: tuple[str, ...]

    @property
    def destination(self) -> str:
        """See PreparedCall."""
        return f"smtp://{self.server.destination}"

    async def make(self, timeout_seconds: float) -> Outcome:
        """See PreparedCall."""
        surroundings = self.surroundings
        clock = surroundings.clock
        begun = clock.monotonic_seconds()
        mail = compose(self.content, self.effect_key, surroundings.message_id_domain, clock.now_ms())
        answer = await surroundings.mail.send(self.server, mail, timeout_seconds)
        duration_ms = round((clock.monotonic_seconds() - begun) * 1000)
        match answer:
            case Handed(reply, refused):
                receipt = _receipt(mail.message_id, duration_ms, reply, refused)
                warnings = tuple(
                    f"{address} was refused: {said.code} {said.text}" for address, said in refused.items()
                )
                return Succeeded(receipt, warnings=(*self.warnings, *warnings))
            case Refused(step, replies, detail):
                failure = Failure("smtp-refused", f"{self.server.destination} refused the {step}: {detail}")
                receipt = _receipt(mail.message_id, duration_ms, replies[0] if replies else None, {})
                return (
                    Permanent(failure, receipt) if answer.is_permanent else Retryable(failure, None, receipt)
                )
            case NoReply(kind, detail, sent):
                failure = Failure("address-refused" if kind == "address-refused" else f"smtp-{kind}", detail)
                if kind == "address-refused":
                    return Permanent(failure)
                return Unknown(failure) if sent else Retryable(failure)
            case _:
                assert_never(answer)


def _prepare(job: Job, surroundings: Surroundings) -> PreparedCall:
    parameters = job.parameters
    reply_to = parameters.get("reply_to")
    content = MailContent(
        sender=surroundings.mail_from,
        to=tuple(parameters["to"]),
        cc=tuple(parameters.get("cc", ())),
        bcc=tuple(parameters.get("bcc", ())),
        reply_to=(reply_to,) if reply_to else (),
        subject=parameters["subject"],
        text=parameters.get("text"),
        html=parameters.get("html"),
    )
    # Composed once now, so that what can never be sent is known before any attempt.
    try:
        compose(content, job.effect_key, surroundings.message_id_domain, 0)
    except RefusedMail as error:
        raise UnfitMail(str(error)) from error
    return MailCall(
        surroundings.smtp_server(job.token.tenant_id), content, job.effect_key, surroundings, job.warnings
    )


def _receipt(message_id: str, duration_ms: int, reply: Reply | None, refused: dict[str, Reply]) -> bytes:
    return msgspec.json.encode(
        {
            "message_id": message_id,
            "reply": None if reply is None else f"{reply.code} {reply.text}",
            "refused": {address: f"{said.code} {said.text}" for address, said in refused.items()},
            "duration_ms": duration_ms,
        }
    )


SEND_EMAIL = CallAction("send_email", _prepare)
