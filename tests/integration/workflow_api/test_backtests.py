"""Backtests: what is counted, what is compared, progress and cancel."""

import json
import time
import uuid
from typing import Any

import httpx
from confluent_kafka import Producer

from signalbox_contracts import codec, ids
from signalbox_contracts.messages import CrmEvent

from .conftest import Api, Make

EVENTS = 400


def publish(bootstrap: str, tenant_id: str, count: int = EVENTS) -> None:
    """Leads of amounts 0, 1, 2 … as Avro and CloudEvents in turn, every tenth an update; one is broken."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for number in range(count):
        record_id = f"lead-{number}"
        record = json.dumps({"id": record_id, "source": "Web Form", "amount": number}).encode()
        event = "updated" if number % 10 == 9 else "created"
        key = ids.lane(tenant_id, "leads", record_id)
        if number % 2 == 0:
            message = CrmEvent(
                tenant_id=tenant_id,
                event_id=uuid.uuid4().hex,
                module="leads",
                event=event,
                record_id=record_id,
                occurred_at_ms=1_795_428_000_000 + number,
                record=record,
                previous=b"null",
            )
            producer.produce("crm.leads", codec.encode(message), key)
        else:
            cloud_event = {
                "specversion": "1.0",
                "id": uuid.uuid4().hex,
                "source": "/crm",
                "type": f"crm.leads.{event}",
                "subject": record_id,
                "time": "2026-11-23T10:00:00Z",
                "tenantid": tenant_id,
                "data": {"record": json.loads(record), "previous": None},
            }
            producer.produce("crm.leads", json.dumps(cloud_event).encode(), key)
    producer.produce("crm.leads", b"nonsense", ids.lane(tenant_id, "leads", "broken"))
    producer.flush(30)


def finished(client: httpx.Client, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        body: dict[str, Any] = client.get(path).json()
        if body["status"] not in {"waiting", "running"}:
            return body
        time.sleep(0.1)
    raise AssertionError(client.get(path).text)


def test_a_backtest_counts_what_would_run_and_blames_the_leaf_and_compares_with_the_version(
    api: Api, document: dict[str, Any], kafka_with_topics: str
) -> None:
    publish(kafka_with_topics, "past")
    with api.client(api.add_key("past", "editor")) as client:
        document["conditions"]["all"][1]["value"] = 99
        made = client.post("/v1/workflows", json=document).json()
        path = f"/v1/workflows/{made['id']}"
        client.post(f"{path}/activate")
        document["conditions"]["all"][1]["value"] = 199
        client.put(path, json=document, headers={"If-Match": "*"})
        started = client.post(f"{path}/backtests")
        assert started.status_code == 202
        ended = finished(client, started.headers["location"])
        assert ended["status"] == "done", ended
        result = ended["result"]
        assert (result["events_seen"], result["unreadable"], result["complete"]) == (EVENTS + 1, 1, True)
        assert (result["would_run"], result["would_skip"], result["matched"]) == (180, 180, 360)
        assert [(leaf["pointer"], leaf["count"]) for leaf in result["skipped_by_leaf"]] == [
            ("/conditions/all/1", 180)
        ]
        assert result["actions"][0] == {"id": "welcome", "type": "send_email", "count": 180}
        compared = result["compared"]
        assert (compared["version"], compared["now_only"], compared["then_only"], compared["both"]) == (
            1,
            90,
            0,
            180,
        )
        assert all("amount" in sample["sentence"] for sample in compared["samples_now_only"])
        assert ended["progress"]["percent"] == 100
        alone = finished(client, client.post(f"{path}/backtests", json={"version": 1}).headers["location"])
        assert (alone["result"]["would_run"], alone["result"]["compared"]) == (270, None)
        assert len(client.get(f"{path}/backtests").json()["items"]) == 2


def test_a_backtest_can_be_canceled_and_is_nobody_elses(api: Api, client: httpx.Client, make: Make) -> None:
    path = f"/v1/workflows/{make()['id']}/backtests"
    started = client.post(path, json={"from": "2026-01-01T00:00:00Z"}).json()
    canceled = client.delete(f"{path}/{started['id']}").json()
    assert canceled["status"] in {"canceled", "done"}
    with api.client(api.add_key("other", "admin")) as other:
        assert other.get(f"{path}/{started['id']}").status_code == 404
    wrong = client.post(path, json={"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"})
    assert wrong.status_code == 422
