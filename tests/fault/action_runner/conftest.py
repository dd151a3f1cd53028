"""The fixtures of the runner's integration tests."""

from tests.integration.action_runner.conftest import stage, tenant

__all__ = ["stage", "tenant"]
