"""Each service and each server under them is killed in the middle of 200 runs.

Every run ends, once, and repeats are recognisable.
"""

import time
import uuid
from collections import Counter
from typing import Any

import pytest

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import Receiver, System

RUNS = 200
BATCH = 10
KILL_AFTER = 60
SERVICES = (
    "trigger-router",
    "condition-evaluator",
    "action-runner",
    "delay-relay",
    "run-ledger",
    "workflow-api",
)
SERVERS = ("kafka", "postgres")


def mail_and_webhook(mark: str, url: str) -> dict[str, Any]:
    return {
        "name": f"Two effects {mark}",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {"field": "campaign", "op": "equals", "value": mark},
        "actions": [
            {
                "type": "send_email",
                "id": "mail",
                "with": {"to": ["{{ record.email }}"], "subject": mark, "text": "Hello {{ record.name }}"},
            },
            {
                "type": "webhook",
                "id": "hook",
                "with": {"method": "POST", "url": url, "body": {"lead": "{{ record.id }}"}},
            },
        ],
    }


@pytest.mark.parametrize("killed", [*SERVICES, *SERVERS])
def test_every_run_ends_once_when_one_is_killed(system: System, receiver: Receiver, killed: str) -> None:
    mark = f"{killed}-{uuid.uuid4().hex[:8]}"
    workflow = system.create_workflow(mail_and_webhook(mark, receiver.url))
    records = [f"{mark}-{number}" for number in range(RUNS)]
    for start in range(0, RUNS, BATCH):
        if start == KILL_AFTER:
            eventually(lambda: bool(receiver.received), "the first webhook")
            system.kill(killed)
        for record_id in records[start : start + BATCH]:
            record = {"id": record_id, "campaign": mark, "name": "Ada", "email": f"{record_id}@example.com"}
            system.publish_lead(f"evt-{record_id}", record)
        system.producer.poll(0)
        time.sleep(0.02)
    system.flush()

    def all_ended() -> list[dict[str, Any]] | None:
        answer = system.api_when_it_answers("/v1/runs", workflow_id=workflow, limit=500)
        ended = [run for run in answer["items"] if run["status"] == "success"]
        return ended if len(ended) >= RUNS else None

    ended = eventually(all_ended, f"{RUNS} runs to end after {killed} was killed")
    assert Counter(run["record_id"] for run in ended) == Counter(records)
    assert len(system.runs(workflow_id=workflow)) == RUNS

    keys_by_record: dict[bytes, set[str]] = {}
    for call in receiver.received:
        keys_by_record.setdefault(call["body"], set()).add(call["headers"]["Idempotency-Key"])
    assert len(keys_by_record) == RUNS
    assert all(len(keys) == 1 for keys in keys_by_record.values())

    mails = [mail for mail in system.messages() if mail["subject"] == mark]
    ids_by_address: dict[str, set[str]] = {}
    for mail in mails:
        ids_by_address.setdefault(mail["to"][0], set()).add(mail["headers"]["Message-ID"])
    assert len(ids_by_address) == RUNS
    assert all(len(ids) == 1 for ids in ids_by_address.values())
    repeated = f"{len(receiver.received) - RUNS} webhooks and {len(mails) - RUNS} mails"
    print(f"{killed}: {repeated} repeated, each with its key")
