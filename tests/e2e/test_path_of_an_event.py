"""From an event on Kafka to a run that people can read, by the outside face alone."""

import uuid
from typing import Any

import pytest

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import Receiver, System


def new_id(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def welcome(source: str, url: str, **extra: Any) -> dict[str, Any]:
    """The workflow of api.md's example, for leads of one source."""
    return {
        "name": f"Welcome big {source} leads",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {
            "all": [
                {"field": "campaign", "op": "equals", "value": source},
                {
                    "any": [
                        {"field": "amount", "op": "greater_than", "value": 50000},
                        {"field": "priority", "op": "equals", "value": "Urgent"},
                    ]
                },
            ]
        },
        "actions": [
            {
                "type": "send_email",
                "id": "welcome",
                "with": {
                    "to": ["{{ record.email }}"],
                    "subject": "Welcome, {{ record.name }}",
                    "text": "Hello",
                },
            },
            {
                "type": "webhook",
                "id": "tell-erp",
                "with": {"method": "POST", "url": f"{url}/leads", "body": {"lead": "{{ record.id }}"}},
                "retry": {"attempts": 1},
            },
        ],
        **extra,
    }


def lead(source: str, amount: int, priority: str = "Normal") -> dict[str, Any]:
    record_id = new_id("lead")
    return {
        "id": record_id,
        "name": f"Ada {record_id}",
        "email": f"{record_id}@example.com",
        "campaign": source,
        "amount": amount,
        "priority": priority,
    }


def test_matching_leads_run_and_the_others_say_why_not(system: System, receiver: Receiver) -> None:
    source = new_id("Web Form")
    workflow = system.create_workflow(welcome(source, receiver.url))
    leads = [
        (lead(source, 75_000), True),
        (lead(source, 42_000), False),
        (lead(source, 42_000, "Urgent"), True),
        (lead("Import", 75_000), False),
        (lead("Import", 42_000), False),
        (lead(source, 50_000), False),
    ]
    for record, _ in leads:
        system.publish_lead(new_id("evt"), record)
    system.flush()
    for record, matches in leads:
        run = system.the_run(workflow, record["id"], "success" if matches else "skipped")
        assert run["verdict"]["outcome"] is matches
        if matches:
            assert [action["status"] for action in run["actions"]] == ["success", "success"]
            assert run["actions"][0]["attempts"][0]["receipt"]["message_id"]
        else:
            assert run["reason"] == "conditions"
            assert run["verdict"]["sentence"]
    matching = {record["email"] for record, matches in leads if matches}
    mails = [mail for mail in system.messages() if mail["subject"].startswith("Welcome, Ada lead-")]
    sent = {address for mail in mails for address in mail["to"]}
    assert matching <= sent
    assert not sent & {record["email"] for record, matches in leads if not matches}
    assert len(receiver.received) == len(matching)


def test_the_same_event_twice_runs_once(system: System, receiver: Receiver) -> None:
    source = new_id("Web Form")
    workflow = system.create_workflow(welcome(source, receiver.url))
    record, event_id = lead(source, 75_000), new_id("evt")
    for _ in range(3):
        system.publish_lead(event_id, record)
    other = lead(source, 75_000)
    system.publish_lead(new_id("evt"), other)
    system.flush()
    system.the_run(workflow, other["id"], "success")
    system.the_run(workflow, record["id"], "success")
    assert len(system.runs(workflow_id=workflow, record_id=record["id"])) == 1
    assert len(receiver.received) == 2


def test_a_failed_run_is_retried_without_a_second_mail(system: System, receiver: Receiver) -> None:
    source = new_id("Web Form")
    workflow = system.create_workflow(welcome(source, receiver.url))
    record = lead(source, 75_000)
    receiver.status = 500
    system.publish_lead(new_id("evt"), record)
    system.flush()
    failed = system.the_run(workflow, record["id"], "failed")
    assert failed["error"]["action"] == "tell-erp"
    assert "500" in failed["error"]["detail"]

    receiver.status = 200
    answers = [system.api.post(f"/v1/runs/{failed['id']}/retry", json={}) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {202}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    retried = system.the_run(workflow, record["id"], "success")
    assert retried["retry_of"] == failed["id"]
    assert system.run(failed["id"])["retried_by"] == retried["id"]
    assert len([mail for mail in system.messages() if mail["to"] == [record["email"]]]) == 1
    assert len(receiver.received) == 2
    assert len(set(receiver.keys())) == 1


def test_nothing_runs_while_paused(system: System, receiver: Receiver) -> None:
    source = new_id("Web Form")
    workflow = system.create_workflow(welcome(source, receiver.url))
    system.pause(workflow)
    unseen = lead(source, 75_000)
    system.publish_lead(new_id("evt"), unseen)
    system.flush()
    system.activate(workflow)
    seen = lead(source, 75_000)
    system.publish_lead(new_id("evt"), seen)
    system.flush()
    system.the_run(workflow, seen["id"], "success")
    assert system.runs(workflow_id=workflow, record_id=unseen["id"]) == []


def test_what_came_during_a_pause_does_not_run_because_the_router_was_late(
    system: System, receiver: Receiver
) -> None:
    source = new_id("Web Form")
    workflow = system.create_workflow(welcome(source, receiver.url))
    system.pause(workflow)
    unseen, seen = lead(source, 75_000), lead(source, 75_000)
    with system.suspended("trigger-router"):
        system.publish_lead(new_id("evt"), unseen)
        system.flush()
        system.activate(workflow)
        system.publish_lead(new_id("evt"), seen)
        system.flush()
    system.the_run(workflow, seen["id"], "success")
    assert system.runs(workflow_id=workflow, record_id=unseen["id"]) == []


GOOD = {"name": "A", "trigger": {"module": "leads", "event": "created"}}
MAIL = {"type": "send_email", "with": {"to": ["a@example.com"], "subject": "s", "text": "t"}}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({**GOOD, "actions": []}, "/actions"),
        (
            {
                **GOOD,
                "actions": [MAIL, MAIL, {"type": "webhook", "with": {"method": "POST", "url": "ftp://x"}}],
            },
            "/actions/2/with/url",
        ),
        ({**GOOD, "actions": [{"type": "send_fax", "with": {}}]}, "/actions/0/type"),
        (
            {"name": "A", "trigger": {"module": "leads", "event": "eaten"}, "actions": [MAIL]},
            "/trigger/event",
        ),
        (
            {**GOOD, "actions": [MAIL], "conditions": {"field": "a", "op": "resembles", "value": 1}},
            "/conditions/op",
        ),
        ({**GOOD, "actions": [MAIL], "surprise": 1}, "/surprise"),
    ],
)
def test_a_wrong_definition_is_told_where(system: System, document: dict[str, Any], pointer: str) -> None:
    answer = system.api.post("/v1/workflows", json=document)
    if answer.status_code == 201:  # a draft may be unfinished; publishing it may not
        answer = system.api.post(f"/v1/workflows/{answer.json()['id']}/publish", json={})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["type"].endswith("/invalid-workflow")
    assert pointer in [error["pointer"] for error in problem["errors"]], problem["errors"]


BAD_EVENTS: list[tuple[str | None, bytes, str]] = [
    ("demo/leads/bad", b"\xc3\x01\x00\x00\x00\x00\x00\x00\x00\x00", "fingerprint"),
    ("demo/leads/bad", b"{not json", "JSON"),
    ("demo/leads/bad", b"", "CloudEvents"),
    (None, b"{}", ""),
]


def test_a_bad_event_lies_in_dead_letters_and_the_next_one_runs(system: System, receiver: Receiver) -> None:
    source = new_id("Web Form")
    workflow = system.create_workflow(welcome(source, receiver.url))
    record = lead(source, 75_000)
    marks = []
    for key, value, _ in BAD_EVENTS:
        mark = new_id("mark").encode()
        marks.append(mark)
        system.publish("crm.leads", key or None, value, [("x-test-mark", mark)])
    system.publish_lead(new_id("evt"), record)
    system.flush()
    system.the_run(workflow, record["id"], "success")
    found = eventually(lambda: dead_letters_with(system, marks), "all bad events among the dead letters")
    for (_, value, word), (raw, error) in zip(BAD_EVENTS, found, strict=True):
        assert raw == value
        assert word in error


def dead_letters_with(system: System, marks: list[bytes]) -> list[tuple[bytes, str]] | None:
    """Value and error of the dead letters that carry `marks`, in their order; None until all are there."""
    found = {}
    for headers, value in system.read_all("dead-letters"):
        mark = headers.get("x-test-mark")
        if mark in marks:
            error = next(text for name, text in headers.items() if name.endswith("error"))
            found[mark] = (value, error.decode())
    return [found[mark] for mark in marks] if len(found) == len(marks) else None
