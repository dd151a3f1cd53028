"""Dry runs: by typed-in record and by what happened; and the test mail."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from confluent_kafka import Producer

from signalbox_embedded.ports import free_ports

from .conftest import Api, Make, running_api

RECORD = {"id": "lead-1", "name": "Ada", "email": "ada@example.com", "source": "Web Form", "amount": 75000}


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Envelope] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802, aiosmtpd's name
        self.mails.append(envelope)
        return "250 taken"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    (port,) = free_ports(1)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture(scope="module")
def api(
    kafka_with_topics: str,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    mailbox: tuple[Mailbox, int],
) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("api")
    with running_api(
        kafka_with_topics, database_url, folder, WORKFLOW_API_SMTP_PORT=str(mailbox[1])
    ) as running:
        yield running


def test_a_typed_in_record_shows_verdict_and_every_action_as_it_would_be_sent(
    client: httpx.Client, make: Make
) -> None:
    made = make()
    body = client.post(f"/v1/workflows/{made['id']}/test", json={"record": RECORD}).json()
    assert body["would_run"] is True
    assert body["verdict"]["tree"]["all"][1]["actual"] == 75000
    mail, webhook = body["actions"]
    assert mail["with"]["to"] == ["ada@example.com"]
    assert webhook["with"]["body"] == {"lead": "lead-1"}
    assert len(webhook["effect_key"]) == 64
    less = client.post(f"/v1/workflows/{made['id']}/test", json={"record": {**RECORD, "amount": 5}}).json()
    assert less["would_run"] is False
    assert "amount" in less["verdict"]["sentence"]


def test_later_actions_see_what_earlier_ones_changed(client: httpx.Client, make: Make) -> None:
    made = make(
        actions=[
            {"type": "change_field", "id": "up", "with": {"field": "priority", "value": "High"}},
            {
                "type": "send_notification",
                "id": "tell",
                "with": {"to": ["u-1"], "message": "{{ record.priority }}"},
            },
        ]
    )
    body = client.post(f"/v1/workflows/{made['id']}/test", json={"record": RECORD}).json()
    assert body["actions"][1]["with"]["message"] == "High"
    assert body["assumptions"]


def publish_event(bootstrap: str, event_id: str, record: dict[str, Any]) -> None:
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/crm/leads",
        "type": "crm.leads.created",
        "subject": record["id"],
        "time": "2026-11-23T10:00:00Z",
        "tenantid": "demo",
        "data": {"record": record, "previous": None},
    }
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    producer.produce("crm.leads", json.dumps(event).encode(), f"demo/leads/{record['id']}".encode())
    producer.flush(10)


def test_an_event_that_happened_is_found_by_its_id_and_as_a_records_last(
    client: httpx.Client, make: Make, kafka_with_topics: str
) -> None:
    record = {**RECORD, "id": f"lead-{uuid.uuid4().hex}"}
    first, last = uuid.uuid4().hex, uuid.uuid4().hex
    publish_event(kafka_with_topics, first, {**record, "amount": 1})
    publish_event(kafka_with_topics, last, record)
    path = f"/v1/workflows/{make()['id']}/test"
    by_id = client.post(path, json={"event_id": first}).json()
    assert (by_id["event"]["id"], by_id["would_run"]) == (first, False)
    by_record = client.post(path, json={"record_id": record["id"]}).json()
    assert (by_record["event"]["id"], by_record["would_run"]) == (last, True)
    unknown = client.post(path, json={"event_id": "never"})
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "/event_id"


def test_the_test_mail_goes_to_the_caller_and_nobody_else(
    client: httpx.Client, make: Make, mailbox: tuple[Mailbox, int], api: Api
) -> None:
    made = make()
    sent = client.post(f"/v1/workflows/{made['id']}/test-mail", json={"record": RECORD})
    assert sent.status_code == 200, sent.text
    assert sent.json()["would_go_to"] == ["ada@example.com"]
    assert [mail.rcpt_tos for mail in mailbox[0].mails] == [["admin@demo.example"]]
    with api.client(api.add_key("demo", "editor")) as nameless:
        refused = nameless.post(f"/v1/workflows/{made['id']}/test-mail", json={"record": RECORD})
        assert refused.status_code == 409
        assert "email" in refused.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"record": {}, "event_id": "x"}, {"previous": {}, "event_id": "x"}])
def test_one_subject_is_asked_for(client: httpx.Client, make: Make, body: dict[str, Any]) -> None:
    assert client.post(f"/v1/workflows/{make()['id']}/test", json=body).status_code == 422
