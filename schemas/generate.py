"""`make generate`: writes everything that is generated from code and checked in.

`tests/contract/test_generated.py` compares the same documents, so that none drifts.
"""

from collections.abc import Callable
from pathlib import Path

from pydantic_settings import BaseSettings

import action_runner.metrics
import condition_evaluator.metrics
import delay_relay.metrics
import run_ledger.metrics
import run_ledger.openapi
import sample_crm.openapi
import signalbox_runtime.http.metrics
import signalbox_runtime.loops.lanes.metrics
import signalbox_runtime.outbox.metrics
import trigger_router.metrics
import workflow_api.metrics
import workflow_api.openapi
from action_runner.settings import ActionRunnerSettings
from condition_evaluator.settings import ConditionEvaluatorSettings
from delay_relay.settings import DelayRelaySettings
from run_ledger.settings import RunLedgerSettings
from sample_crm.settings import SampleCrmSettings
from signalbox_contracts import asyncapi
from signalbox_rules import catalog
from signalbox_runtime import metrics
from signalbox_runtime.process.settings import SharedSettings
from trigger_router.settings import TriggerRouterSettings
from workflow_api.settings import WorkflowApiSettings

ROOT = Path(__file__).parents[1]
METRICS_OF = (
    action_runner.metrics,
    condition_evaluator.metrics,
    delay_relay.metrics,
    run_ledger.metrics,
    signalbox_runtime.http.metrics,
    signalbox_runtime.loops.lanes.metrics,
    signalbox_runtime.outbox.metrics,
    trigger_router.metrics,
    workflow_api.metrics,
)
"""Imported so that their metrics are declared; the runtime's own come with `metrics`."""
SETTINGS: tuple[type[BaseSettings], ...] = (
    SharedSettings,
    TriggerRouterSettings,
    ConditionEvaluatorSettings,
    ActionRunnerSettings,
    DelayRelaySettings,
    RunLedgerSettings,
    WorkflowApiSettings,
    SampleCrmSettings,
)
SETTINGS_HEAD = """\
# Settings

Every service is configured by the environment. `SIGNALBOX_KAFKA__<OPTION>` passes any librdkafka option on,
with `_` for `.`: `SIGNALBOX_KAFKA__SECURITY_PROTOCOL`. Generated from code by `make generate`.
"""


def metrics_reference() -> str:
    """Every metric, as a page for operators."""
    head = "# Metrics\n\nWhat `/metrics` of the services shows. Generated from code by `make generate`.\n\n"
    return head + metrics.reference(metrics.declared())


def settings_reference() -> str:
    """Every environment variable, as a page for operators."""
    parts = [SETTINGS_HEAD]
    for settings in SETTINGS:
        prefix = settings.model_config.get("env_prefix", "")
        parts.append(f"## {settings.__name__.removesuffix('Settings')}: `{prefix}…`\n")
        parts.append("| variable | default | meaning |\n|---|---|---|")
        for name, field in settings.model_fields.items():
            default = "" if field.is_required() else f"`{field.get_default(call_default_factory=True)}`"
            parts.append(f"| `{prefix}{name.upper()}` | {default} | {field.description or ''} |")
        parts.append("")
    return "\n".join(parts)


DOCUMENTS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("schemas/asyncapi.yaml", asyncapi.render),
    ("schemas/openapi/run-ledger.json", run_ledger.openapi.openapi_text),
    ("schemas/openapi/sample-crm.json", sample_crm.openapi.openapi_text),
    ("schemas/openapi/workflow-api.json", workflow_api.openapi.openapi_text),
    ("docs/operations/metrics.md", metrics_reference),
    ("docs/operations/settings.md", settings_reference),
)


def main() -> None:
    """Writes every document and the catalog."""
    catalog.write(ROOT / "schemas" / "catalog")
    for path, text in DOCUMENTS:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
