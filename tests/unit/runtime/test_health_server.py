"""What /healthz, /readyz and /metrics answer."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.process.health_server import HealthServer
from signalbox_runtime.process.readiness import Readiness


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
def server(readiness: Readiness) -> Iterator[HealthServer]:
    health = HealthServer("127.0.0.1", 0, readiness)
    health.start()
    yield health
    health.stop()


def get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_readyz_gives_each_unmet_condition_its_reason(server: HealthServer, readiness: Readiness) -> None:
    assert get(server, "/readyz") == (200, '{"ready":true,"reasons":{}}')
    readiness.unmet("kafka", "no broker at 127.0.0.1:1")
    readiness.unmet("views", "not read yet")
    status, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "reasons": {"kafka": "no broker at 127.0.0.1:1", "views": "not read yet"},
    }
    readiness.met("kafka")
    readiness.met("views")
    assert get(server, "/readyz")[0] == 200


def test_metrics_show_unmet_conditions_while_they_last(server: HealthServer, readiness: Readiness) -> None:
    readiness.unmet("database", "no answer")
    assert 'signalbox_unmet_condition{condition="database"} 1.0' in get(server, "/metrics")[1]
    readiness.met("database")
    assert 'condition="database"' not in get(server, "/metrics")[1]


def test_a_process_is_alive_also_when_it_is_not_ready(server: HealthServer, readiness: Readiness) -> None:
    readiness.unmet("kafka", "away")
    assert get(server, "/healthz")[0] == 200
    assert get(server, "/else")[0] == 404


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceRefused, match=f"127.0.0.1:{port}.*METRICS_PORT"):
            HealthServer("127.0.0.1", port, Readiness())
