"""Kafka and PostgreSQL are killed in the middle of 200 runs, as the services are in `tests/e2e`."""

import pytest

from tests.e2e.system import Receiver, System
from tests.e2e.test_kills import every_run_ends_once


@pytest.mark.parametrize("server", ["kafka", "postgres"])
def test_every_run_ends_once_when_a_server_is_killed(system: System, receiver: Receiver, server: str) -> None:
    every_run_ends_once(system, receiver, server)
