"""docker-compose.yml runs the same processes as `signalbox up`, with settings the services really have."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from action_runner.settings import ActionRunnerSettings
from condition_evaluator.settings import ConditionEvaluatorSettings
from delay_relay.settings import DelayRelaySettings
from run_ledger.settings import RunLedgerSettings
from sample_crm.settings import SampleCrmSettings
from signalbox_embedded.jars import locked
from signalbox_embedded.kafka_settings import broker_settings, plan_brokers
from signalbox_embedded.service_kinds import (
    SERVICE_KINDS,
    ServiceKind,
    Surroundings,
    environment,
    plan_workers,
    ports_needed,
)
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.process.settings import KAFKA_PREFIX, SharedSettings
from trigger_router.settings import TriggerRouterSettings
from workflow_api.settings import WorkflowApiSettings

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
SETTINGS: dict[str, type[BaseSettings]] = {
    "action-runner": ActionRunnerSettings,
    "condition-evaluator": ConditionEvaluatorSettings,
    "delay-relay": DelayRelaySettings,
    "run-ledger": RunLedgerSettings,
    "sample-crm": SampleCrmSettings,
    "trigger-router": TriggerRouterSettings,
    "workflow-api": WorkflowApiSettings,
}


def known_variables(service: str) -> set[str]:
    """The environment that a service and the shared settings read."""
    found: set[str] = set()
    for settings in (SETTINGS[service], SharedSettings):
        prefix = settings.model_config.get("env_prefix", "")
        found |= {f"{prefix}{name}".upper() for name in settings.model_fields}
    return found


@pytest.mark.parametrize("kind", SERVICE_KINDS, ids=lambda kind: kind.name)
def test_compose_runs_every_service_with_variables_it_knows(kind: ServiceKind) -> None:
    service = SERVICES[kind.name]
    assert service["command"] == ["python", "-m", kind.module]
    given = {name for name in service["environment"] if not name.startswith(KAFKA_PREFIX)}
    assert given <= known_variables(kind.name)
    assert f"{KAFKA_PREFIX}BOOTSTRAP_SERVERS" in service["environment"]


@pytest.mark.parametrize("kind", SERVICE_KINDS, ids=lambda kind: kind.name)
def test_up_gives_every_service_variables_it_knows_and_compose_the_same(kind: ServiceKind) -> None:
    surroundings = Surroundings("kafka", "postgres", "secrets", "key", 25, "ledger")
    workers = plan_workers({}, tuple(range(1, ports_needed({}) + 1)), api_port=None)
    worker = next(worker for worker in workers if worker.kind == kind)
    given = {name for name in environment(worker, surroundings) if not name.startswith(KAFKA_PREFIX)}
    assert given <= known_variables(kind.name)
    only_embedded = {"SIGNALBOX_SECRETS_KEY_FILE", f"{kind.prefix}STATIC_MEMBERSHIP"}
    assert given - only_embedded <= set(SERVICES[kind.name]["environment"])


def test_the_broker_is_the_locked_version_with_the_embedded_brokers_settings() -> None:
    versions = {jar.coordinate.rsplit(":", 1)[1] for jar in locked() if ":kafka-clients:" in jar.coordinate}
    assert {SERVICES["kafka"]["image"]} == {f"apache/kafka:{version}" for version in versions}
    brokers = plan_brokers(Path("/data"), 1, (1, 2))
    own_places = {"controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs"}
    small_machine = {
        "num.network.threads",
        "num.io.threads",
        "log.cleaner.dedupe.buffer.size",
        "offsets.topic.num.partitions",
        "transaction.state.log.num.partitions",
    }
    given = SERVICES["kafka"]["environment"]
    for name, value in broker_settings(brokers[0], brokers).items():
        if name not in own_places | small_machine:
            assert given["KAFKA_" + name.upper().replace(".", "_")] == value


def test_prometheus_scrapes_every_service_where_it_serves_metrics() -> None:
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    targets = yaml.safe_load(text)["scrape_configs"][0]["static_configs"][0]["targets"]
    assert sorted(targets) == sorted(
        f"{kind.name}:{SERVICES[kind.name]['environment'][f'{kind.prefix}METRICS_PORT']}"
        for kind in SERVICE_KINDS
    )


def test_what_compose_mounts_and_depends_on_exists() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)
    let_through = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert copied
    for path in copied:
        assert (ROOT / path).exists()
        assert any(path == allowed or path.startswith(allowed + "/") for allowed in let_through)
    installed = re.findall(r"\./([\w/-]+)", dockerfile.split("uv pip install", 1)[1].split("FROM")[0])
    packages = [path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("*/*/pyproject.toml")]
    assert sorted(installed) == sorted(packages)


def test_the_runner_is_not_killed_before_its_calls_have_ended() -> None:
    grace = SERVICES["action-runner"]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > LaneLimits().drain_seconds
