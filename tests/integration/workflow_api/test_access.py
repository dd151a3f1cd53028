"""Keys, secrets, templates, the audit trail."""

import uuid
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition

from signalbox_contracts import codec, topics
from signalbox_contracts.definitions.document import from_bytes
from signalbox_contracts.messages import SecretEnvelope, WorkflowVersion
from signalbox_runtime.secrets import open_envelope, parse_keys

from .conftest import SECRETS_KEY, Api, Make
from .test_lifecycle import told


def test_a_key_is_shown_once_changed_and_revoked(api: Api, client: httpx.Client) -> None:
    made = client.post(
        "/v1/api-keys", json={"name": "ci", "role": "viewer", "email": "ci@example.com"}
    ).json()
    with api.client(made["key"]) as new:
        assert new.get("/v1/workflows").status_code == 200
        assert new.get("/v1/api-keys").status_code == 403
        client.put(f"/v1/api-keys/{made['id']}", json={"name": "ci", "role": "admin"})
        listed = new.get("/v1/api-keys").json()["items"]
        assert made["id"] in [each["id"] for each in listed]
        assert not any("key" in each for each in listed)
        assert next(each for each in listed if each["id"] == made["id"])["last_used_at"] is not None
        assert client.delete(f"/v1/api-keys/{made['id']}").json()["revoked_at"] is not None
        refused = new.get("/v1/workflows")
        assert refused.status_code == 401
        assert "revoked" in refused.json()["detail"]


def test_the_last_admin_key_stays(api: Api) -> None:
    with api.client(api.add_key("lonely", "admin")) as admin:
        only = admin.get("/v1/api-keys").json()["items"][0]
        refused = admin.delete(f"/v1/api-keys/{only['id']}")
        assert refused.status_code == 409
        assert refused.json()["type"].endswith("/last-admin")
        assert admin.get("/v1/workflows").status_code == 200


def test_an_expired_key_is_refused(api: Api, client: httpx.Client) -> None:
    made = client.post(
        "/v1/api-keys", json={"name": "old", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}
    ).json()
    with api.client(made["key"]) as old:
        assert "expired" in old.get("/v1/workflows").json()["detail"]


def test_a_secret_reaches_the_runner_sealed_and_is_never_shown(
    client: httpx.Client, kafka_with_topics: str, api: Api
) -> None:
    name = f"erp-{uuid.uuid4().hex}"
    key = f"demo/{name}".encode()
    stored = client.post("/v1/secrets", json={"name": name, "value": "hunter2-one"})
    assert (stored.status_code, stored.json()["effective"]) == (201, True)
    changed = client.put(f"/v1/secrets/{name}", json={"value": "hunter2-two", "keep_previous": True})
    assert changed.status_code == 200
    assert client.post("/v1/secrets", json={"name": name, "value": "x"}).status_code == 409
    envelopes = sealed(kafka_with_topics, key)
    keyring = parse_keys(SECRETS_KEY, "test")
    assert [value and open_envelope(keyring, codec.decode(value, SecretEnvelope)) for value in envelopes] == [
        ("hunter2-one",),
        ("hunter2-two", "hunter2-one"),
    ]
    assert client.delete(f"/v1/secrets/{name}").json()["effective"] is True
    assert sealed(kafka_with_topics, key)[-1] is None
    said = client.get("/v1/audit?object_type=secret").text + client.get("/v1/secrets").text + api.log_text()
    assert "secret.change" in said
    assert "hunter2" not in said


def sealed(bootstrap: str, key: bytes) -> list[bytes | None]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test",
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topics.SECRETS, 0, 0)])
    values: list[bytes | None] = []
    while (record := consumer.poll(10)) is not None and record.error() is None:
        if record.key() == key:
            values.append(record.value())
    consumer.close()
    return values


def test_a_version_keeps_the_template_that_it_was_published_with(
    client: httpx.Client, make: Make, document: dict[str, Any], kafka_with_topics: str
) -> None:
    template = {"name": "Hello", "subject": "Hello {{ record.name }}", "html": "<p>{{ record.name }}</p>"}
    assert client.post("/v1/email-templates", json=template).status_code == 201
    action = {"type": "send_email", "id": "mail", "with": {"to": ["a@example.com"], "template": "Hello"}}
    made = make(actions=[action])
    assert client.post(f"/v1/workflows/{made['id']}/publish").status_code == 200
    client.put("/v1/email-templates/Hello", json={"subject": "Changed", "text": "changed"})
    version = next(each for each in told(kafka_with_topics, made["id"]) if isinstance(each, WorkflowVersion))
    sent = from_bytes(version.definition).actions[0].with_
    assert (sent["subject"], sent["html"]) == ("Hello {{ record.name }}", "<p>{{ record.name }}</p>")
    kept = client.get(f"/v1/workflows/{made['id']}").json()["definition"]["actions"][0]["with"]
    assert kept == action["with"]
    assert client.delete("/v1/email-templates/Hello").status_code == 204
    copy = client.post(f"/v1/workflows/{made['id']}/duplicate").json()
    refused = client.post(f"/v1/workflows/{copy['id']}/publish")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/actions/0/with/template"


def test_a_template_that_is_not_liquid_is_refused_with_its_place(client: httpx.Client) -> None:
    wrong = client.post("/v1/email-templates", json={"name": "x", "subject": "{{ record.", "text": "x"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "/subject"


def test_every_change_is_in_the_audit_trail(client: httpx.Client, make: Make) -> None:
    made = make()
    client.post(f"/v1/workflows/{made['id']}/activate")
    entries = client.get(f"/v1/audit?object_id={made['id']}").json()["items"]
    assert [(each["action"], each["actor"]) for each in entries] == [
        ("workflow.activate", "key:first"),
        ("workflow.create", "key:first"),
    ]
    assert entries[0]["before"] == {"status": "paused", "version": None}
    assert entries[0]["after"] == {"status": "active", "version": 1}


def test_the_catalog_names_what_workflows_are_built_from(client: httpx.Client) -> None:
    catalog = client.get("/v1/catalog").json()
    assert {"triggers", "operators", "actions"} <= catalog.keys()


def test_the_analysis_finds_a_workflow_that_starts_itself(api: Api, document: dict[str, Any]) -> None:
    with api.client(api.add_key("loops", "editor")) as client:
        action = {"type": "change_field", "with": {"field": "amount", "value": 1}}
        looping = {**document, "trigger": {"module": "leads", "event": "updated"}, "actions": [action]}
        del looping["conditions"]
        made = client.post("/v1/workflows", json=looping).json()
        published = client.post(f"/v1/workflows/{made['id']}/publish").json()
        activated = client.post(f"/v1/workflows/{made['id']}/activate").json()
        loops = client.get("/v1/workflow-analysis").json()["loops"]
        assert [step["workflow_id"] for step in loops[0]["path"]] == [made["id"]]
        assert published["analysis"]["loops"] == activated["analysis"]["loops"] == loops
        about = client.get("/v1/workflow-analysis", params={"workflow_id": made["id"]}).json()
        assert about["loops"] == loops
        other = client.post("/v1/workflows", json=document).json()
        about = client.get("/v1/workflow-analysis", params={"workflow_id": other["id"]}).json()
        assert (about["loops"], about["conflicts"]) == ([], [])


def test_keys_are_listed_page_by_page(api: Api) -> None:
    with api.client(api.add_key("pages", "admin")) as client:
        for number in range(4):
            assert (
                client.post("/v1/api-keys", json={"name": f"k{number}", "role": "viewer"}).status_code == 201
            )
        names, cursor = [], None
        while True:
            page = client.get("/v1/api-keys", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
            assert page.status_code == 200, page.text
            names += [each["name"] for each in page.json()["items"]]
            cursor = page.json()["next"]
            if cursor is None:
                break
    assert names[-4:] == ["k0", "k1", "k2", "k3"]
    assert len(names) == len(set(names)) == 5
