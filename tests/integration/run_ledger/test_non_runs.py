"""Non-runs from real topics: the events that Kafka keeps against the definitions that it keeps."""

import json
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Producer

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.definitions import document as definitions
from signalbox_contracts.messages import WorkflowState, WorkflowVersion
from signalbox_runtime.clock import SystemClock
from signalbox_runtime.kafka.clients import ConfluentKafka
from tests.declared_topics import apply_topics
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts


@pytest.fixture
async def ledger(kafka_bootstrap: str, database_url: str) -> AsyncIterator[Ledger]:
    apply_topics(kafka_bootstrap)
    async with open_ledger(database_url) as opened:
        opened.app.state.kafka = ConfluentKafka({"bootstrap.servers": kafka_bootstrap}, client_id="non-runs")
        opened.app.state.clock = SystemClock()
        yield opened


async def test_a_paused_workflow_is_named(kafka_bootstrap: str, ledger: Ledger) -> None:
    now_ms = time.time_ns() // 1_000_000
    workflow_id, record_id = f"wf-paused-{os.getpid()}", f"lead-{os.getpid()}"
    document = {
        "name": "Welcome",
        "trigger": {"module": "leads", "event": "updated"},
        "actions": [{"id": "a", "type": "webhook", "with": {"url": "https://erp.example"}}],
    }
    version = WorkflowVersion(
        tenant_id="demo",
        workflow_id=workflow_id,
        version=1,
        definition=definitions.to_bytes(definitions.parse_definition(document)),
        published_at_ms=now_ms - 5_000,
        published_by="ada",
    )
    state = WorkflowState(
        tenant_id="demo",
        workflow_id=workflow_id,
        name="Welcome",
        status="paused",
        version=1,
        changed_at_ms=now_ms - 5_000,
        changed_by="ada",
    )
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    producer.produce(topics.DEFINITIONS, codec.encode(version), f"demo/{workflow_id}@1".encode())
    producer.produce(topics.DEFINITIONS, codec.encode(state), f"demo/{workflow_id}".encode())
    event = facts.event("evt-paused", record_id, event="updated", occurred_at_ms=now_ms)
    producer.produce(topics.crm_topic("leads"), codec.encode(event), ids.lane("demo", "leads", record_id))
    assert producer.flush(30) == 0

    begin = datetime.fromtimestamp(now_ms / 1000 - 60, UTC).isoformat()
    end = datetime.fromtimestamp(now_ms / 1000 + 60, UTC).isoformat()
    answer = await ledger.get(f"/v1/records/leads/{record_id}/non-runs", **{"from": begin, "to": end})
    assert answer.status_code == 200, answer.text
    first, last = (json.loads(line) for line in answer.text.splitlines())
    assert first["event_id"] == "evt-paused"
    reasons = {each["workflow_id"]: each["reason"] for each in first["workflows"]}
    assert reasons[workflow_id] == "paused"
    assert last["complete"]
    unknown = await ledger.get("/v1/records/nothing/x/non-runs")
    assert unknown.status_code == 422


async def test_before_1970_is_since_ever(ledger: Ledger) -> None:
    answer = await ledger.get("/v1/records/leads/nobody/non-runs", **{"from": "0001-01-01T00:00:00Z"})
    assert answer.status_code == 200
    assert json.loads(answer.text.splitlines()[-1])["complete"] is True
