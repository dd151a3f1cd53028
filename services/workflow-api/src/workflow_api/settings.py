"""What workflow-api is configured by; the prefix of each variable is WORKFLOW_API_."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from signalbox_runtime.process.settings import ServiceSettings

TENANT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class WorkflowApiSettings(ServiceSettings):
    """Settings of workflow-api."""

    model_config = SettingsConfigDict(env_prefix="WORKFLOW_API_", extra="ignore")

    http_host: str = Field(default="127.0.0.1", description="Where the API listens")
    http_port: int = Field(default=8080, ge=0, le=65535, description="0 takes a free port")
    ledger_url: str = Field(
        default="",
        description="Where run-ledger answers; its routes are forwarded there. Empty: an ingress does that",
    )
    console_dir: Path | None = Field(
        default=None, description="Where the built console lies; without it only the API is served"
    )
    first_tenant: str = Field(
        default="demo",
        pattern=TENANT_PATTERN,
        description="The tenant that is made at the first start",
    )
    first_key_file: Path | None = Field(
        default=None, description="Where the first tenant's admin key is written; kept if it is there already"
    )
    first_key_email: str = Field(
        default="admin@demo.example", description="The address of the first key, for test mails to oneself"
    )
    smtp_host: str = Field(default="127.0.0.1", description="Where test mails are handed in")
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_from: str = Field(default="signalbox@localhost", description="Sender of test mails")
    effect_timeout_seconds: float = Field(
        default=2.0,
        gt=0,
        description="How long publish, activate and pause wait for Kafka before they answer 202",
    )
    backtest_events_max: int = Field(
        default=5_000_000, ge=1, description="A backtest stops after that many events and says so"
    )
