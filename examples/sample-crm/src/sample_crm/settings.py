"""Configuration from the environment, with the prefix SAMPLE_CRM_."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from signalbox_runtime.process.settings import ServiceSettings


class SampleCrmSettings(ServiceSettings):
    """What the sample CRM needs beside SIGNALBOX_DATABASE_URL and SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS."""

    model_config = SettingsConfigDict(env_prefix="SAMPLE_CRM_", extra="ignore")

    http_host: str = Field(default="127.0.0.1", description="Where the REST interface listens")
    http_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")
    tenant: str = Field(
        default="demo", pattern=r"^[^/\x00-\x1f]+$", description="The one tenant whose records these are"
    )
    tick_ms: int = Field(
        default=500, ge=10, description="How often due invoices and held answers are looked for"
    )
