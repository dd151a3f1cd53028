"""Erasure as a fact, and runs past their time with the cause."""

from collections.abc import AsyncIterator

import pytest

from run_ledger.domain.stuck import Overdue, why
from run_ledger.routes import shapes
from signalbox_contracts.messages import RunRedacted
from signalbox_contracts.wait_reasons import breaker_open
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        yield opened


async def test_erasing_a_record_is_a_fact_that_the_history_follows(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.started()), facts.failed(2), facts.run_failed(3)])
    path = "/v1/records/leads/lead-42/erase"
    assert (await ledger.post(path, key="demo:editor")).status_code == 403
    answer = await ledger.post(path, key="demo:admin")
    assert answer.status_code == 202
    shapes.Erasure.model_validate(answer.json())
    holding = {each["topic"] for each in answer.json()["kafka"]}
    assert {"crm.leads", "runs.journal", "runs.requested", "actions.webhook", "dead-letters"} <= holding
    assert "crm.contacts" not in holding
    [(topic, key, fact)] = await ledger.sent()
    assert (topic, key) == ("runs.journal", b"demo/leads/lead-42")
    assert isinstance(fact, RunRedacted)
    ledger.tell([fact])
    run = (await ledger.get(f"/v1/runs/{facts.run_id()}")).json()
    shapes.Run.model_validate(run)
    assert (run["redacted"], run["status"]) == (True, "failed")
    assert run["record"] is run["previous"] is run["verdict"] is run["error"]["detail"] is None
    assert run["actions"][0]["attempts"][0]["receipt"] is None
    retried = await ledger.post(f"/v1/runs/{facts.run_id()}/retry")
    assert retried.json()["type"] == "/problems/payload-expired"


async def test_runs_past_their_time_are_listed_with_the_cause(ledger: Ledger) -> None:
    run_ids = {
        name: facts.run_id(workflow_id=f"wf-{name}") for name in ("crm", "retry", "silent", "fine", "open")
    }
    breaker = breaker_open("https://erp.example", 20)
    ledger.tell(
        [
            facts.judged(*(facts.started(f"wf-{name}") for name in run_ids)),
            facts.waiting(2, 2, run_ids["crm"]),
            facts.waiting(2, 1, run_ids["retry"], waiting_for="retry"),
            facts.waiting(2, 1, run_ids["fine"], waiting_for="retry", deadline_ms=facts.T0 + 9_000_000),
            facts.waiting(
                2, 1, run_ids["open"], waiting_for="retry", deadline_ms=facts.T0 + 9_000_000, reason=breaker
            ),
        ]
    )
    ledger.clock.advance(1_200_000)
    body = (await ledger.get("/v1/runs/stuck")).json()
    shapes.StuckRuns.model_validate(body)
    found = {item["id"]: (item["cause"], item["about"]) for item in body["items"]}
    assert found == {
        run_ids["crm"]: ("crm-answer-missing", "create_task"),
        run_ids["retry"]: ("service-behind", "action-runner"),
        run_ids["silent"]: ("service-behind", "action-runner"),
        run_ids["open"]: ("breaker-open", "https://erp.example"),
    }
    assert body["counts"] == {
        "crm-answer-missing": 1,
        "breaker-open": 1,
        "service-behind": 2,
        "token-missing": 0,
    }
    assert (await ledger.get("/v1/runs/stuck", "other:viewer")).json()["items"] == []


def test_a_run_that_nobody_holds_says_so() -> None:
    assert why(Overdue("running", None, "webhook", None), {"action-runner": 0}).cause == "token-missing"
