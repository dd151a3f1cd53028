"""Configuration from the environment.

Everything shared has the prefix `SIGNALBOX_`; each service adds its own under its own prefix, e.g.
`TRIGGER_ROUTER_SLOT`. `SIGNALBOX_KAFKA__<OPTION>` passes any librdkafka option on:
`SIGNALBOX_KAFKA__SECURITY_PROTOCOL=SASL_SSL` sets `security.protocol`.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

KAFKA_PREFIX = "SIGNALBOX_KAFKA__"


class SharedSettings(BaseSettings):
    """What every service needs."""

    model_config = SettingsConfigDict(env_prefix="SIGNALBOX_", extra="ignore")

    database_url: str = Field(default="", description="postgresql://user@host:port/database")
    log_level: str = Field(default="info", description="debug, info, warning or error")
    secrets_key_file: Path | None = Field(
        default=None, description="File with keys for secrets, 32 bytes in base64 a line; the first one seals"
    )
    secrets_key: SecretStr | None = Field(default=None, description="The same keys, instead of a file")
    webhook_allow_hosts: str = Field(default="", description="Hosts, joined by commas, opened for webhooks")


class ServiceSettings(BaseSettings):
    """What every service has of its own; subclasses set `env_prefix`."""

    slot: int = Field(default=0, ge=0, description="Which instance this is; part of its transactional id")
    static_membership: bool = Field(
        default=False,
        description="Keep partitions for this slot over a restart (group.instance.id). Set it where a "
        "supervisor restarts the slot at once; a slot that goes for good is missed for 6 s",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Where /healthz, /readyz and /metrics listen")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")


def kafka_options(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """librdkafka options given in the environment, in librdkafka's own names."""
    return {
        name.removeprefix(KAFKA_PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(KAFKA_PREFIX)
    }
