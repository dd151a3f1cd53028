"""Fixtures of the runner's integration tests."""

import uuid

import pytest

from tests.integration.action_runner.stage import RunnerStage


@pytest.fixture
def stage(kafka_bootstrap: str) -> RunnerStage:
    """The product's topics on a real Kafka."""
    return RunnerStage(kafka_bootstrap)


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own."""
    return f"tenant-{uuid.uuid4().hex[:8]}"
