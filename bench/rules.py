"""How long it takes to decide, to explain, to render and to route: the pure part, in one process.

Times are of the processor, so that what else runs on the machine counts less.

Routing is what trigger-router does with a delivered event, without Kafka: the headers are read and, if a
workflow listens, the envelope is decoded and the index asked.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from pydantic import TypeAdapter

from signalbox_contracts import codec
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.definitions.document import (
    Condition,
    Trigger,
    from_bytes,
    parse_definition,
    to_bytes,
)
from signalbox_contracts.messages import CrmEvent
from signalbox_rules.conditions import compile_condition
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.record_context import RecordContext
from signalbox_rules.templates import TemplateContext, compile_template, render
from signalbox_rules.triggers import TriggerIndex
from trigger_router.domain.headers import announced

RUNS = 7

RECORD: dict[str, Any] = {
    "id": "lead-42",
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "source": "Web Form",
    "amount": 42000,
    "priority": "Urgent",
    "status": "Open",
    "stage": "New",
    "owner": "u-1",
    "company": "Analytical Engines Ltd",
    "notes": "Asked for a call in the afternoon; speaks French.",
    "created_at": "2026-11-23T09:59:58Z",
    "tags": ["math", "engine"],
}
PREVIOUS = {**RECORD, "amount": 40000}
FOUR_LEAVES = {
    "all": [
        {"field": "source", "op": "equals", "value": "Web Form"},
        {
            "any": [
                {"field": "amount", "op": "greater_than", "value": 50000},
                {"field": "priority", "op": "equals", "value": "Urgent"},
            ]
        },
        {"field": "status", "op": "in", "value": ["New", "Open"]},
    ]
}
SUBJECT = "Welcome, {{ record.name }}"
TEXT = (
    "Dear {{ record.name | default: 'customer' }},\n\nthank you for your interest in {{ record.company }}. "
    "{{ owner.name }} will call you about the {{ record.amount }} dollars.\n"
)


def run() -> list[dict[str, Any]]:
    """The results, each with the median of its runs."""
    return [
        *_conditions(),
        _microseconds("rules.render_us", _mail(), 2_000),
        *_routing(),
        *_definitions(),
    ]


def _conditions() -> list[dict[str, Any]]:
    adapter: TypeAdapter[Condition] = TypeAdapter(Condition)
    compiled = compile_condition(adapter.validate_python(FOUR_LEAVES))
    context = RecordContext(RECORD, PREVIOUS, datetime(2026, 11, 23, 10, tzinfo=UTC))
    return [
        _microseconds("rules.decide_us", lambda: compiled.decide(context), 50_000),
        _microseconds("rules.explain_us", lambda: compiled.explain(context), 20_000),
    ]


def _mail() -> Callable[[], object]:
    """A subject and a text with five variables together."""
    subject, text = compile_template(SUBJECT, "header"), compile_template(TEXT, "text")
    context = TemplateContext({"record": RECORD, "owner": {"id": "u-1", "name": "Bob"}})
    return lambda: (render(subject, context), render(text, context))


def _workflow(number: int, module: str, event: str, **narrow: Any) -> ActiveWorkflow:
    trigger = Trigger.model_validate({"module": module, "event": event, **narrow})
    return ActiveWorkflow("demo", f"w-{number:04}", 1, f"Workflow {number}", trigger, "avoid")


def _thousand() -> list[ActiveWorkflow]:
    """20 for leads.created, 20 for this leads.updated, 180 for other changes, 780 for other modules."""
    others = [("contacts", "created"), ("opportunities", "updated"), ("tasks", "created")]
    return [
        *(_workflow(number, "leads", "created") for number in range(20)),
        *(_workflow(number, "leads", "updated") for number in range(20, 30)),
        *(_workflow(number, "leads", "updated", fields=["amount"]) for number in range(30, 40)),
        *(_workflow(number, "leads", "updated", fields=[f"field_{number}"]) for number in range(40, 220)),
        *(_workflow(number, *others[number % 3]) for number in range(220, 1_000)),
    ]


def _routing() -> list[dict[str, Any]]:
    index = TriggerIndex.build(_thousand())

    def route(delivered: tuple[bytes, list[tuple[str, bytes]]]) -> int:
        value, headers = delivered
        said = announced("leads", headers)
        if said is not None and not index.listens(said.tenant_id, "leads", said.event):
            return 0
        event = read_event("crm.leads", b"demo/leads/lead-42", value, headers)
        return len(index.match(event.tenant_id, event.module, event.event, lambda: _records(event)))

    unmatched, created, updated = _delivered("created", "other"), _delivered("created"), _delivered("updated")
    assert (route(unmatched), route(created), route(updated)) == (0, 20, 20)
    return [
        _per_second("rules.route_unmatched_per_second", lambda: route(unmatched), 50_000),
        _per_second("rules.route_matched_per_second", lambda: route(created), 10_000),
        _per_second("rules.route_narrowed_per_second", lambda: route(updated), 5_000),
    ]


def _delivered(event: str, tenant: str = "demo") -> tuple[bytes, list[tuple[str, bytes]]]:
    message = CrmEvent(
        tenant_id=tenant,
        event_id="evt-1",
        module="leads",
        event=event,
        record_id="lead-42",
        occurred_at_ms=1_795_428_000_000,
        record=msgspec.json.encode(RECORD),
        previous=msgspec.json.encode(PREVIOUS),
        actor="u-1",
        origin="ui",
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"evt-1"),
        ("ce_source", b"/crm/leads"),
        ("ce_type", f"crm.leads.{event}".encode()),
        ("ce_tenantid", tenant.encode()),
    ]
    return codec.encode(message), headers


def _records(event: CrmEvent) -> tuple[Any, Any]:
    return msgspec.json.decode(event.record), msgspec.json.decode(event.previous or b"null")


def _definitions() -> list[dict[str, Any]]:
    document = {
        "name": "Welcome",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": FOUR_LEAVES,
        "actions": [
            {"type": "change_field", "with": {"field": "priority", "value": "High"}},
            {
                "type": "webhook",
                "with": {"url": "https://erp.example/leads", "body": {"id": "{{ record.id }}"}},
            },
        ],
    }
    data = to_bytes(parse_definition(document))
    index = TriggerIndex.build(_workflow(number, "leads", "created") for number in range(10_000))
    changed = _workflow(5_000, "leads", "updated")
    return [
        _microseconds("rules.load_definition_us", lambda: from_bytes(data), 1_000),
        _microseconds("rules.change_index_of_10000_us", lambda: index.with_workflow(changed), 50),
    ]


def _microseconds(name: str, call: Callable[[], object], times: int) -> dict[str, Any]:
    runs = [seconds / times * 1e6 for seconds in _timed(call, times)]
    return {"name": name, "value": statistics.median(runs), "unit": "us", "runs": runs}


def _per_second(name: str, call: Callable[[], object], times: int) -> dict[str, Any]:
    runs = [times / seconds for seconds in _timed(call, times)]
    return {"name": name, "value": statistics.median(runs), "unit": "1/s", "runs": runs}


def _timed(call: Callable[[], object], times: int) -> list[float]:
    call()
    measured = []
    for _ in range(RUNS):
        begin = time.process_time()
        for _ in range(times):
            call()
        measured.append(time.process_time() - begin)
    return measured
