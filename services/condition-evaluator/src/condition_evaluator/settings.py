"""Settings of the condition-evaluator, from the environment."""

from pydantic_settings import SettingsConfigDict

from signalbox_runtime.process.settings import ServiceSettings


class ConditionEvaluatorSettings(ServiceSettings):
    """`CONDITION_EVALUATOR_*`."""

    model_config = SettingsConfigDict(env_prefix="CONDITION_EVALUATOR_", extra="ignore")
