"""Which SMTP server a tenant's mails go to: the operator's, or one the tenant named in a secret."""

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from action_runner.adapters.smtp import SmtpServer
from action_runner.errors import MissingSecret
from action_runner.settings import ActionRunnerSettings

_SCHEMES = {"smtp": "starttls", "smtps": "tls"}
_PORTS = {"smtp": 587, "smtps": 465}


def operators_server(settings: ActionRunnerSettings) -> SmtpServer:
    """The server of the process's settings; it may be private."""
    return SmtpServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_user or None,
        settings.smtp_password.get_secret_value() or None,
    )


def tenants_server(url: str) -> SmtpServer:
    """The server of a secret `smtp[s]://user:password@host:port`; it must be public, and TLS is required.

    Raises MissingSecret, without the secret in its text.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in _SCHEMES:
        raise MissingSecret("The secret for mail is not of the form smtp[s]://user:password@host:port.")
    return SmtpServer(
        host,
        port or _PORTS[parts.scheme],
        _SCHEMES[parts.scheme],  # type: ignore[arg-type]
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        vetted=True,
    )


def server_of_tenant(
    settings: ActionRunnerSettings,
    has_secret: Callable[[str, str], bool],
    secrets: Callable[[str, str], tuple[str, ...]],
) -> Callable[[str], SmtpServer]:
    """Tenant → its server: its own where it keeps the secret that the settings name, else the operator's."""
    operators = operators_server(settings)

    def server_of(tenant_id: str) -> SmtpServer:
        if has_secret(tenant_id, settings.smtp_secret):
            return tenants_server(secrets(tenant_id, settings.smtp_secret)[0])
        return operators

    return server_of
