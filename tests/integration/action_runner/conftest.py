"""Fixtures of the runner's integration tests."""

import asyncio
import uuid
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.integration.action_runner.stage import RunnerStage


@pytest.fixture(scope="module")
def stage(kafka_bootstrap: str) -> RunnerStage:
    """The product's topics on a real Kafka."""
    return RunnerStage(kafka_bootstrap)


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own."""
    return f"tenant-{uuid.uuid4().hex[:8]}"


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Everything asynchronous is tested on asyncio's own loop, and on the one that the service uses."""
    del config, item
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
