"""Hands test mails in by SMTP."""

from typing import Final

import aiosmtplib

from signalbox_rules.mail.compose import Mail
from workflow_api.errors import MailNotTaken

TIMEOUT_SECONDS: Final = 15


class SmtpMailOut:
    """A mail server without login, as the runner's is."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def send(self, mail: Mail) -> str:
        """The server's reply. Raises MailNotTaken."""
        try:
            _, reply = await aiosmtplib.send(
                mail.data,
                sender=mail.sender,
                recipients=list(mail.recipients),
                hostname=self._host,
                port=self._port,
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailNotTaken(
                f"{self._host}:{self._port} did not take the mail: {error}. Check WORKFLOW_API_SMTP_HOST."
            ) from error
        return reply
