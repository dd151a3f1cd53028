"""Killed between the database's commit and Kafka, nothing is lost and nothing is said twice."""

from pathlib import Path

import httpx
import pytest

from signalbox_contracts.messages import WorkflowState, WorkflowVersion

from .conftest import WORKFLOW, running_api
from .test_lifecycle import told


@pytest.mark.parametrize(
    "point", ["api.after_database_commit", "relay.before_send", "relay.before_commit", "relay.after_commit"]
)
def test_a_publish_survives_a_kill(
    kafka_with_topics: str, database_url: str, tmp_path: Path, point: str
) -> None:
    with running_api(kafka_with_topics, database_url, tmp_path, SIGNALBOX_FAULT=f"{point}:kill:1") as api:
        with api.client() as client:
            made = client.post("/v1/workflows", json=WORKFLOW).json()["id"]
            with pytest.raises(httpx.TransportError):
                client.post(f"/v1/workflows/{made}/activate")
        assert api.process.wait(30) == -9
    with running_api(kafka_with_topics, database_url, tmp_path) as api, api.client() as client:
        body = client.post(f"/v1/workflows/{made}/activate").json()
        assert (body["status"], body["version"]) == ("active", 1)
        if not body["effective"]:
            body = client.post(f"/v1/workflows/{made}/activate").json()
        assert body["effective"] is True
    version, state = told(kafka_with_topics, made)
    assert isinstance(version, WorkflowVersion)
    assert isinstance(state, WorkflowState)
