"""Bulk retries: counted, paced, stopped, gone on with after a restart, with a result per run."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from run_ledger.adapters.requests.bulk_retries import BulkRetries
from run_ledger.adapters.requests.requests import RetryAsked
from run_ledger.domain.records import RunRecord
from run_ledger.routes import shapes
from signalbox_contracts.messages import JournalFact
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        opened.tell(failed_runs())
        yield opened


def failed_runs() -> list[JournalFact]:
    told: list[JournalFact] = []
    for number in range(7):
        event_id, workflow_id = f"evt-{number}", f"wf-{number % 2}"
        run = facts.run_id(event_id, workflow_id)
        told.append(
            facts.judged(
                facts.started(workflow_id, event_id), source=facts.event(event_id), at_ms=facts.T0 + number
            )
        )
        if number < 6:
            told.append(facts.run_failed(2, run))
    return told


async def progress(ledger: Ledger, bulk_id: str, **query: Any) -> dict[str, Any]:
    answer = (await ledger.get(f"/v1/bulk-retries/{bulk_id}", **query)).json()
    shapes.BulkRetry.model_validate(answer)
    shown: dict[str, Any] = answer
    return shown


async def test_a_preview_counts_and_retries_nothing(ledger: Ledger) -> None:
    await ledger.post(f"/v1/runs/{facts.run_id('evt-0', 'wf-0')}/retry")
    answer = await ledger.post("/v1/bulk-retries", {"preview": True})
    shapes.BulkPreview.model_validate(answer.json())
    assert (answer.status_code, answer.json()["matching"], answer.json()["to_retry"]) == (200, 6, 5)
    narrow = await ledger.post(
        "/v1/bulk-retries", {"preview": True, "filter": {"workflow_id": "wf-1", "text": "500"}}
    )
    assert narrow.json()["matching"] == 3
    assert len(await ledger.sent()) == 1


async def test_it_goes_at_its_pace_over_a_restart_and_says_what_came_of_each_run(ledger: Ledger) -> None:
    bulk: BulkRetries = ledger.app.state.bulk
    started = (await ledger.post("/v1/bulk-retries", {"per_second": 4})).json()
    shapes.BulkRetry.model_validate(started)
    assert (started["runs"], started["retried"], started["status"]) == (6, 0, "running")
    clicked = (await ledger.post(f"/v1/runs/{facts.run_id('evt-5', 'wf-1')}/retry")).json()["id"]
    assert await bulk.tick() == 4
    assert (await progress(ledger, started["id"]))["retried"] == 4
    state = ledger.app.state
    restarted = BulkRetries(ledger.engine, state.runs, state.requests, ledger.clock)
    assert await restarted.tick() == 2
    assert await restarted.tick() == 0
    done = await progress(ledger, started["id"])
    assert (done["status"], done["retried"], done["refused"]) == ("done", 6, 0)
    assert done["results"][5]["new_run_id"] == clicked
    assert len(await ledger.sent()) == 6
    rest = await progress(ledger, started["id"], after=4)
    assert [result["position"] for result in rest["results"]] == [5, 6]


async def test_an_abort_leaves_the_rest_alone(ledger: Ledger) -> None:
    bulk: BulkRetries = ledger.app.state.bulk
    started = (await ledger.post("/v1/bulk-retries", {"per_second": 1})).json()
    assert await bulk.tick() == 1
    aborted = await ledger.post(f"/v1/bulk-retries/{started['id']}/abort")
    assert aborted.json()["status"] == "aborted"
    assert await bulk.tick() == 0
    assert (await ledger.get(f"/v1/bulk-retries/{started['id']}", "other:viewer")).status_code == 404
    assert (await ledger.post("/v1/bulk-retries", {}, key="demo:viewer")).status_code == 403


async def test_an_abort_is_heard_within_a_second_s_worth(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk: BulkRetries = ledger.app.state.bulk
    started = (await ledger.post("/v1/bulk-retries", {"per_second": 6})).json()
    retry = bulk._requests.retry

    async def retry_and_abort(run: RunRecord, asked: RetryAsked) -> str:
        await ledger.post(f"/v1/bulk-retries/{started['id']}/abort")
        return await retry(run, asked)

    monkeypatch.setattr(bulk._requests, "retry", retry_and_abort)
    assert await bulk.tick() == 1
    assert (await progress(ledger, started["id"]))["retried"] == 1
    assert len(await ledger.sent()) == 1
