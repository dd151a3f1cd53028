"""Every module and event of api.md: from a call of the CRM's REST interface to the run."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import System

Do = Callable[[System, str], str]
"""(system, mark) → id of the record that the event is about; the record's text carries the mark."""


def created(module: str, **fields: Any) -> Do:
    def do(system: System, mark: str) -> str:
        return str(call(system, "POST", f"/{module}", {**named(module, mark), **fields})["id"])

    return do


def then(first: Do, method: str, path: str, body: dict[str, Any] | None = None) -> Do:
    """After `first`, a call on its record; `{id}` in the path is the record's."""

    def do(system: System, mark: str) -> str:
        record_id = first(system, mark)
        call(system, method, path.format(id=record_id), body or {})
        return record_id

    return do


def named(module: str, mark: str) -> dict[str, Any]:
    match module:
        case "tasks":
            return {"subject": mark}
        case "invoices":
            return {"number": mark, "amount": 100}
        case _:
            return {"name": mark}


def call(system: System, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = system.crm.request(method, path, json=body)
    assert answer.is_success, answer.text
    return dict(answer.json())


LONG_AGO = "2026-01-01"
EVENTS: tuple[tuple[str, str, Do], ...] = (
    ("leads", "created", created("leads")),
    ("leads", "updated", then(created("leads"), "PATCH", "/leads/{id}", {"company": "Analytical Engines"})),
    ("leads", "stage_changed", then(created("leads"), "PATCH", "/leads/{id}", {"stage": "Contacted"})),
    ("leads", "converted", then(created("leads"), "POST", "/leads/{id}/convert")),
    (
        "leads",
        "disqualified",
        then(created("leads"), "POST", "/leads/{id}/disqualify", {"reason": "no budget"}),
    ),
    ("opportunities", "created", created("opportunities")),
    (
        "opportunities",
        "updated",
        then(created("opportunities"), "PATCH", "/opportunities/{id}", {"amount": 5}),
    ),
    (
        "opportunities",
        "stage_changed",
        then(created("opportunities"), "PATCH", "/opportunities/{id}", {"stage": "Proposal"}),
    ),
    (
        "opportunities",
        "closed_won",
        then(created("opportunities"), "POST", "/opportunities/{id}/close", {"outcome": "won"}),
    ),
    (
        "opportunities",
        "closed_lost",
        then(created("opportunities"), "POST", "/opportunities/{id}/close", {"outcome": "lost"}),
    ),
    ("contacts", "created", created("contacts")),
    ("contacts", "updated", then(created("contacts"), "PATCH", "/contacts/{id}", {"title": "Countess"})),
    ("accounts", "created", created("accounts")),
    ("accounts", "updated", then(created("accounts"), "PATCH", "/accounts/{id}", {"industry": "Looms"})),
    ("tasks", "created", created("tasks")),
    ("tasks", "completed", then(created("tasks"), "POST", "/tasks/{id}/complete")),
    ("invoices", "created", created("invoices")),
    ("invoices", "sent", then(created("invoices"), "POST", "/invoices/{id}/send")),
    (
        "invoices",
        "paid",
        then(then(created("invoices"), "POST", "/invoices/{id}/send"), "POST", "/invoices/{id}/pay"),
    ),
    ("invoices", "overdue", then(created("invoices", due_on=LONG_AGO), "POST", "/invoices/{id}/send")),
)
UPWARD = {
    "closed_won": ("closed_won", "stage_changed", "updated"),
    "closed_lost": ("closed_lost", "stage_changed", "updated"),
    "stage_changed": ("stage_changed", "updated"),
    "converted": ("converted", "updated"),
    "disqualified": ("disqualified", "updated"),
}
"""Triggers that match an event: itself and what it is a case of."""


def text_field(module: str) -> str:
    return next(iter(named(module, "")))


@pytest.mark.parametrize(
    ("module", "event", "do"), EVENTS, ids=[f"{module}.{event}" for module, event, _ in EVENTS]
)
def test_an_event_of_the_crm_becomes_a_run(system: System, module: str, event: str, do: Do) -> None:
    mark = f"mark-{uuid.uuid4().hex[:10]}"
    workflows = {
        trigger: system.create_workflow(
            {
                "name": f"{module} {trigger} {mark}",
                "trigger": {"module": module, "event": trigger},
                "conditions": {"field": text_field(module), "op": "equals", "value": mark},
                "actions": [
                    {
                        "type": "send_notification",
                        "id": "tell",
                        "with": {"to": ["u-1"], "message": f"{mark} {trigger}"},
                    }
                ],
            }
        )
        for trigger in UPWARD.get(event, (event,))
    }
    record_id = do(system, mark)
    for workflow in workflows.values():
        run = system.the_run(workflow, record_id, "success")
        assert (run["module"], run["event"]) == (module, event)

    def told() -> list[str] | None:
        answer = system.crm.get("/notifications", params={"user": "u-1", "limit": 500}).json()
        messages = [note["message"] for note in answer["items"] if note["message"].startswith(mark)]
        return messages if len(messages) >= len(workflows) else None

    assert sorted(eventually(told, "the notifications")) == sorted(
        f"{mark} {trigger}" for trigger in workflows
    )
    for workflow in workflows.values():
        system.api.delete(f"/v1/workflows/{workflow}")
