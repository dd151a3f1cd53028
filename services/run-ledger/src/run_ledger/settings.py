"""Configuration of run-ledger, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from run_ledger.domain.retention import Ages
from signalbox_runtime.process.settings import ServiceSettings


class RunLedgerSettings(ServiceSettings):
    """Prefix `RUN_LEDGER_`."""

    model_config = SettingsConfigDict(env_prefix="RUN_LEDGER_", extra="ignore")

    http_host: str = Field(default="127.0.0.1", description="Where the API listens")
    retention_runs_days: int = Field(default=400, ge=1, description="How long run rows are kept")
    retention_payloads_days: int = Field(
        default=90, ge=1, description="How long events and records are kept; a Retry needs them"
    )
    retention_verdicts_days: int = Field(default=90, ge=1, description="How long verdicts are kept")
    retention_skipped_days: int = Field(default=7, ge=1, description="How long skipped runs are kept")
    http_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")

    @property
    def ages(self) -> Ages:
        """How long what is kept, for tenants without ages of their own in `ledger.retention`."""
        return Ages(
            self.retention_runs_days,
            self.retention_payloads_days,
            self.retention_verdicts_days,
            self.retention_skipped_days,
        )
