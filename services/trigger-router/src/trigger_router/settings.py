"""Settings of the trigger-router, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from signalbox_runtime.process.settings import ServiceSettings


class TriggerRouterSettings(ServiceSettings):
    """`TRIGGER_ROUTER_*`."""

    model_config = SettingsConfigDict(env_prefix="TRIGGER_ROUTER_", extra="ignore")

    remembered_events: int = Field(
        default=10_000, ge=1, description="Events per partition among which a repeated id is found out"
    )
