"""A workflow from its first draft to the archive, as the API and the topic of definitions tell it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from signalbox_contracts import codec, topics
from signalbox_contracts.definitions.document import from_bytes
from signalbox_contracts.messages import Message, WorkflowRunsCanceled, WorkflowState, WorkflowVersion
from signalbox_runtime.testing.waiting import eventually

from .conftest import WORKFLOW, Api, Make, running_api


def told(bootstrap: str, workflow_id: str, topic: str = topics.DEFINITIONS) -> list[Message]:
    """What a topic of one partition says about a workflow, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    messages: list[Message] = []
    while True:
        record = consumer.poll(10)
        assert record is not None
        if record.error() is not None:
            break
        key, value = record.key(), record.value()
        assert key is not None
        assert value is not None
        if workflow_id in key.decode():
            messages.append(codec.decode_any(value))
    consumer.close()
    return messages


def test_a_new_workflow_is_a_paused_draft_with_ids_written_into_its_actions(
    client: httpx.Client, document: dict[str, Any]
) -> None:
    del document["actions"][0]["id"]
    response = client.post("/v1/workflows", json=document)
    assert response.status_code == 201
    made = response.json()
    assert response.headers["location"] == f"/v1/workflows/{made['id']}"
    assert made["status"] == "paused"
    assert made["version"] is None
    assert made["draft"]["actions"][0]["id"]
    assert made["draft"]["conditions"] == document["conditions"]
    assert (made["run_count"], made["skipped_count"], made["failed_24h"]) == (0, 0, 0)
    again = client.get(f"/v1/workflows/{made['id']}")
    assert again.json() == made
    assert again.headers["etag"] == response.headers["etag"]


def test_activate_publishes_the_first_draft_and_is_in_effect_when_it_answers_200(
    client: httpx.Client, make: Make, kafka_with_topics: str
) -> None:
    made = make()
    response = client.post(f"/v1/workflows/{made['id']}/activate")
    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["status"], body["version"], body["effective"], body["draft"]) == ("active", 1, True, None)
    version, state = told(kafka_with_topics, made["id"])
    assert isinstance(version, WorkflowVersion)
    assert isinstance(state, WorkflowState)
    assert (state.tenant_id, state.status, state.version, state.name) == ("demo", "active", 1, made["name"])
    assert from_bytes(version.definition).actions[1].id == "tell-erp"


def test_what_kafka_has_not_confirmed_in_time_is_stored_and_said_not_to_be_in_effect_yet(
    kafka_with_topics: str, database_url: str, tmp_path: Path
) -> None:
    with (
        running_api(
            kafka_with_topics, database_url, tmp_path, WORKFLOW_API_EFFECT_TIMEOUT_SECONDS="0.000001"
        ) as api,
        api.client() as client,
    ):
        path = f"/v1/workflows/{client.post('/v1/workflows', json=WORKFLOW).json()['id']}"
        response = client.post(f"{path}/activate")
        assert (response.status_code, response.json()["effective"]) == (202, False)
        assert client.get(path).json()["status"] == "active"
        eventually(
            lambda: client.post(f"{path}/activate").status_code == 200, "Kafka's word that it is in effect"
        )


def test_publish_makes_versions_and_leaves_active_and_paused_as_they_are(
    client: httpx.Client, make: Make, document: dict[str, Any], kafka_with_topics: str
) -> None:
    made = make()
    path = f"/v1/workflows/{made['id']}"
    first = client.post(f"{path}/publish", json={"note": "first"}).json()
    assert (first["status"], first["version"], first["effective"]) == ("paused", 1, True)
    assert client.post(f"{path}/publish").json()["type"].endswith("/nothing-to-publish")
    assert client.post(f"{path}/activate").json()["status"] == "active"
    etag = client.get(path).headers["etag"]
    changed = client.put(path, json={**document, "name": "Better"}, headers={"If-Match": etag})
    assert changed.json()["draft"]["name"] == "Better"
    assert changed.json()["name"] == document["name"]
    second = client.post(f"{path}/publish").json()
    assert (second["status"], second["version"], second["name"]) == ("active", 2, "Better")
    states = [
        message for message in told(kafka_with_topics, made["id"]) if isinstance(message, WorkflowState)
    ]
    assert [(state.status, state.version) for state in states] == [
        ("paused", 1),
        ("active", 1),
        ("active", 2),
    ]
    versions = client.get(f"{path}/versions").json()
    assert [(each["version"], each["note"]) for each in versions["items"]] == [(2, None), (1, "first")]
    assert client.get(f"{path}/versions/1").json()["definition"]["name"] == document["name"]
    restored = client.post(f"{path}/versions/1/restore").json()
    assert restored["draft"]["name"] == document["name"]
    assert restored["version"] == 2


def test_pause_and_archive_take_effect_and_can_cancel_runs_in_flight(
    client: httpx.Client, make: Make, kafka_with_topics: str
) -> None:
    made = make()
    path = f"/v1/workflows/{made['id']}"
    client.post(f"{path}/activate")
    paused = client.post(f"{path}/pause", json={"in_flight": "cancel"})
    assert paused.status_code == 200
    assert (paused.json()["status"], paused.json()["in_flight"]) == ("paused", 0)
    canceled = told(kafka_with_topics, made["id"], topics.RUNS_CONTROL)
    assert [type(message) for message in canceled] == [WorkflowRunsCanceled]
    assert client.post(f"{path}/pause").json()["effective"] is True
    assert client.delete(path).json()["status"] == "archived"
    assert client.get(path).json()["status"] == "archived"
    refused = client.post(f"{path}/activate")
    assert refused.status_code == 409
    assert "duplicate" in refused.json()["detail"]
    copy = client.post(f"{path}/duplicate")
    assert copy.status_code == 201
    assert copy.json()["name"] == f"Copy of {made['name']}"
    ids = [each["id"] for each in client.get("/v1/workflows?limit=500").json()["items"]]
    assert copy.json()["id"] in ids
    assert made["id"] not in ids


def test_of_two_editors_the_second_is_shown_both_forms(
    client: httpx.Client, make: Make, document: dict[str, Any]
) -> None:
    made = make()
    path = f"/v1/workflows/{made['id']}"
    etag = client.get(path).headers["etag"]
    assert client.put(path, json=document).status_code == 428
    assert client.put(path, json={**document, "name": "Ada's"}, headers={"If-Match": etag}).status_code == 200
    late = client.put(path, json={**document, "name": "Bob's"}, headers={"If-Match": etag})
    assert late.status_code == 412
    assert late.json()["current"]["name"] == "Ada's"
    assert late.json()["yours"]["name"] == "Bob's"
    assert client.put(path, json=document, headers={"If-Match": late.headers["etag"]}).status_code == 200
    client.post(f"{path}/publish")
    published = client.put(path, json=document, headers={"If-Match": late.headers["etag"]})
    assert (published.status_code, published.json()["current"]["name"]) == (412, document["name"])


@pytest.mark.parametrize(
    ("spoil", "pointer"),
    [
        (lambda document: document.pop("name"), "/name"),
        (lambda document: document["trigger"].update(event="exploded"), "/trigger/event"),
        (lambda document: document["actions"][1]["with"].update(url="ftp://x"), "/actions/1/with/url"),
        (lambda document: document["conditions"]["all"][0].update(op="resembles"), "/conditions/all/0/op"),
        (lambda document: document.update(name="half a pair \ud83d"), "/name"),
        (lambda document: document.update(description="nul \0"), "/description"),
    ],
)
def test_a_wrong_definition_is_a_422_that_points_at_the_place(
    client: httpx.Client, document: dict[str, Any], spoil: Any, pointer: str
) -> None:
    spoil(document)
    body = json.dumps(document)
    response = client.post("/v1/workflows", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in response.json()["errors"]]


def test_the_grid_filters_sorts_and_pages(api: Api, document: dict[str, Any]) -> None:
    with api.client(api.add_key("grid", "editor")) as client:
        for number in range(7):
            made = {**document, "name": f"Flow {number}", "description": "Ünï 🦊" if number == 3 else ""}
            assert client.post("/v1/workflows", json=made).status_code == 201
        names = []
        path = "/v1/workflows?sort=-name&limit=3"
        page = client.get(path).json()
        names += [each["name"] for each in page["items"]]
        while page["next"] is not None:
            page = client.get(f"{path}&cursor={page['next']}").json()
            names += [each["name"] for each in page["items"]]
        assert names == [f"Flow {number}" for number in reversed(range(7))]
        found = client.get("/v1/workflows", params={"text": "ünï", "module": "leads", "status": "paused"})
        assert [each["name"] for each in found.json()["items"]] == ["Flow 3"]
        assert client.get("/v1/workflows?status=active").json() == {"items": [], "next": None}
        for order in ("run_count", "-last_run_at", "-failed_24h"):
            page = client.get(f"/v1/workflows?sort={order}&limit=4").json()
            rest = client.get(f"/v1/workflows?sort={order}&limit=4&cursor={page['next']}").json()
            assert len({each["id"] for each in (*page["items"], *rest["items"])}) == 7
        assert client.get("/v1/workflows?cursor=x").status_code == 422


def test_another_tenants_workflow_is_not_there_and_keys_are_checked(api: Api, make: Make) -> None:
    made = make()
    with api.client(api.add_key("other", "admin")) as other:
        assert other.get(f"/v1/workflows/{made['id']}").status_code == 404
    with api.client(api.add_key("demo", "viewer")) as viewer:
        assert viewer.get(f"/v1/workflows/{made['id']}").status_code == 200
        refused = viewer.post(f"/v1/workflows/{made['id']}/activate")
        assert refused.status_code == 403
        assert "editor" in refused.json()["detail"]
    with api.client("nonsense") as nobody:
        assert nobody.get("/v1/workflows").status_code == 401
    with api.client(api.add_key("demo", "viewer", requests_per_minute=2)) as hasty:
        assert [hasty.get("/v1/workflows").status_code for _ in range(3)] == [200, 200, 429]


def test_an_idempotency_key_makes_a_call_once(client: httpx.Client, document: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "once"}
    first = client.post("/v1/workflows", json=document, headers=headers)
    second = client.post("/v1/workflows", json=document, headers=headers)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    other = client.post("/v1/workflows", json={**document, "name": "Other"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["type"].endswith("/idempotency-key-reused")
