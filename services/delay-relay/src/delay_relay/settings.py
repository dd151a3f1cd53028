"""Settings of the delay-relay, from the environment."""

from pydantic_settings import SettingsConfigDict

from signalbox_runtime.process.settings import ServiceSettings


class DelayRelaySettings(ServiceSettings):
    """`DELAY_RELAY_*`."""

    model_config = SettingsConfigDict(env_prefix="DELAY_RELAY_", extra="ignore")
