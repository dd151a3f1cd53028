"""The runner's configuration, prefix `ACTION_RUNNER_`."""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from action_runner.actions.registry import ACTIONS_BY_TYPE
from signalbox_runtime.process.settings import ServiceSettings


class ActionRunnerSettings(ServiceSettings):
    """What the runner is told."""

    model_config = SettingsConfigDict(env_prefix="ACTION_RUNNER_", extra="ignore")

    actions: str = Field(default="", description="Kinds of action to execute, joined by commas; empty: all")
    smtp_host: str = Field(default="127.0.0.1", description="SMTP server of tenants without one of their own")
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_security: Literal["auto", "starttls", "tls", "none"] = Field(
        default="auto", description="auto: STARTTLS where the server offers it"
    )
    smtp_user: str = Field(default="", description="Empty: no login")
    smtp_password: SecretStr = Field(
        default=SecretStr(""), description="For smtp_user; never sent without TLS"
    )
    smtp_secret: str = Field(
        default="smtp",
        description="Secret in which a tenant may name its own server: smtp[s]://user:password@host:port",
    )
    mail_from: str = Field(default="Signalbox <signalbox@localhost>", description="Sender of mails")
    message_id_domain: str = Field(default="signalbox.local", description="Right side of every Message-ID")
    in_flight_max: int = Field(default=2_000, ge=1, description="Calls that run at once")
    destination_in_flight_max: int = Field(default=50, ge=1, description="Calls at once to one destination")
    destination_calls_per_second: float = Field(default=0, ge=0, description="0: as many as it answers")
    uncommitted_max: int = Field(default=100, ge=1, description="Calls that a crash may repeat at most")

    @field_validator("actions")
    @classmethod
    def _known_actions(cls, text: str) -> str:
        for name in filter(None, (part.strip() for part in text.split(","))):
            if name not in ACTIONS_BY_TYPE:
                raise ValueError(f"{name!r} is not an action; actions are {', '.join(ACTIONS_BY_TYPE)}")
        return text

    def action_types(self) -> tuple[str, ...]:
        """The kinds of action to execute."""
        return tuple(filter(None, (part.strip() for part in self.actions.split(",")))) or tuple(
            ACTIONS_BY_TYPE
        )
