"""Hands test mails in by SMTP."""

from email.message import EmailMessage
from typing import Final

import aiosmtplib

from workflow_api.errors import MailNotTaken

TIMEOUT_SECONDS: Final = 15


class SmtpMailOut:
    """A mail server without login, as the runner's is."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def send(self, message: EmailMessage, recipient: str) -> str:
        """The server's reply. Raises MailNotTaken."""
        try:
            _, reply = await aiosmtplib.send(
                message,
                recipients=[recipient],
                hostname=self._host,
                port=self._port,
                timeout=TIMEOUT_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailNotTaken(
                f"{self._host}:{self._port} did not take the mail: {error}. Check WORKFLOW_API_SMTP_HOST."
            ) from error
        return reply
