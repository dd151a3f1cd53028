"""Configuration of run-ledger, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from signalbox_runtime.settings import ServiceSettings


class RunLedgerSettings(ServiceSettings):
    """Prefix `RUN_LEDGER_`."""

    model_config = SettingsConfigDict(env_prefix="RUN_LEDGER_", extra="ignore")

    http_host: str = Field(default="127.0.0.1", description="Where the API listens")
    http_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")
