"""A running workflow-api on real PostgreSQL and Kafka, and clients of it."""

import base64
import copy
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from signalbox_contracts.topics import all_topics
from signalbox_embedded.ports import free_ports
from signalbox_runtime.http.auth import key_hash, new_key
from signalbox_runtime.kafka.topic_admin import apply, look
from signalbox_runtime.kafka.topic_plan import plan

START_SECONDS = 240
SECRETS_KEY = base64.b64encode(bytes(range(32))).decode()
WORKFLOW: dict[str, Any] = {
    "name": "Welcome big web leads",
    "description": "First answer to a large lead from the web form.",
    "trigger": {"module": "leads", "event": "created"},
    "conditions": {
        "all": [
            {"field": "source", "op": "equals", "value": "Web Form"},
            {"field": "amount", "op": "greater_than", "value": 50000},
        ]
    },
    "actions": [
        {
            "type": "send_email",
            "id": "welcome",
            "with": {"to": ["{{ record.email }}"], "subject": "Welcome", "text": "Hello {{ record.name }}"},
        },
        {
            "type": "webhook",
            "id": "tell-erp",
            "with": {
                "method": "POST",
                "url": "https://erp.example/leads",
                "body": {"lead": "{{ record.id }}"},
            },
        },
    ],
}


class Api:
    """A process of workflow-api."""

    def __init__(
        self, url: str, process: subprocess.Popen[bytes], key: str, database_url: str, log: Path
    ) -> None:
        self.url = url
        self.process = process
        self.key = key
        self.database_url = database_url
        self._log = log

    def log_text(self) -> str:
        return self._log.read_text()

    def client(self, key: str | None = None) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key or self.key}"}, timeout=30
        )

    def add_key(self, tenant_id: str, role: str, requests_per_minute: int = 100_000) -> str:
        """A key made in the database, for tenants that the API does not make."""
        key = new_key()
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO access.tenants VALUES (%s, now()) ON CONFLICT DO NOTHING", (tenant_id,)
            )
            connection.execute(
                "INSERT INTO access.api_keys (tenant_id, name, role, key_hash, requests_per_minute,"
                " created_at, created_by) VALUES (%s, %s, %s, %s, %s, now(), 'test')",
                (tenant_id, f"{tenant_id}-{role}", role, key_hash(key), requests_per_minute),
            )
        return key


@pytest.fixture(scope="session")
def kafka_with_topics(kafka_bootstrap: str) -> str:
    options = {"bootstrap.servers": kafka_bootstrap}
    cluster = look(options, all_topics())
    apply(options, plan(all_topics(), cluster, 4))
    return kafka_bootstrap


@contextmanager
def running_api(
    kafka: str, database_url: str, folder: Path, port: int | None = None, **environment: str
) -> Iterator[Api]:
    """Starts a process, waits until it is ready, and ends it."""
    http_port, metrics_port = free_ports(2)
    http_port = port or http_port
    key_file = folder / "key"
    variables = {
        **os.environ,
        "SIGNALBOX_DATABASE_URL": database_url,
        "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "WORKFLOW_API_HTTP_PORT": str(http_port),
        "WORKFLOW_API_METRICS_PORT": str(metrics_port),
        "WORKFLOW_API_FIRST_KEY_FILE": str(key_file),
        "SIGNALBOX_SECRETS_KEY": SECRETS_KEY,
        # A busy machine is not Kafka being away.
        "WORKFLOW_API_EFFECT_TIMEOUT_SECONDS": "25",
        **environment,
    }
    log_file = folder / "workflow-api.log"
    log = log_file.open("ab")
    process = subprocess.Popen((sys.executable, "-m", "workflow_api"), env=variables, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{http_port}"
    try:
        wait_until_ready(url, process, log_file)
        yield Api(url, process, key_file.read_text().strip(), database_url, log_file)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    answer = "nothing"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            response = httpx.get(f"{url}/readyz", timeout=5)
            answer = response.text
            if response.status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"workflow-api is not ready: {answer}\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def api(kafka_with_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running_api(kafka_with_topics, database_url, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """The first tenant's admin."""
    with api.client() as client:
        yield client


@pytest.fixture
def document() -> dict[str, Any]:
    """A workflow that is right, to be spoilt."""
    return copy.deepcopy(WORKFLOW)


Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(client: httpx.Client, document: dict[str, Any]) -> Make:
    """Makes a workflow with some of its fields changed."""

    def make_workflow(**fields: Any) -> dict[str, Any]:
        response = client.post("/v1/workflows", json={**document, **fields})
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    return make_workflow
