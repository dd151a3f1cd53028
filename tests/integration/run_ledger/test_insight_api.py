"""Timeline, statistics and export."""

import json
from collections.abc import AsyncIterator

import pytest

from run_ledger.routes import shapes
from signalbox_contracts import topics
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts

VERDICT = json.dumps(
    {
        "outcome": False,
        "sentence": "amount was 10",
        "tree": {
            "all": [
                {"field": "source", "op": "equals", "value": "Web", "actual": "Web", "outcome": True},
                {"not": {"any": [{"field": "amount", "op": "less_than", "actual": 10, "outcome": True}]}},
            ]
        },
    }
).encode()


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        yield opened


async def test_the_timeline_shows_runs_and_what_kept_others_from_running(ledger: Ledger) -> None:
    ledger.tell(
        [
            facts.judged(facts.started(), facts.skipped(verdict=VERDICT)),
            facts.run_succeeded(2),
            facts.judged(
                facts.skipped(
                    "wf-2", "evt-2", reason="loop", outcome="refused", verdict=None, detail="Loop."
                ),
                at_ms=facts.T0 + 9,
                source=facts.event("evt-2"),
            ),
            facts.judged(facts.started("wf-1", "evt-3"), source=facts.event("evt-3", "another")),
        ]
    )
    body = (await ledger.get("/v1/records/leads/lead-42/timeline")).json()
    for item in body["items"]:
        shapes.TimelineEvent.model_validate(item)
    assert [event["event_id"] for event in body["items"]] == ["evt-2", "evt-1"]
    assert body["next"] is None
    [refused] = body["items"][0]["workflows"]
    assert (refused["reason"], refused["detail"], refused["failing"]) == ("loop", "Loop.", [])
    ran, skipped = body["items"][1]["workflows"]
    assert (ran["status"], ran["run_id"], ran["failing"]) == ("success", facts.run_id(), [])
    assert skipped["sentence"] == "amount was 10"
    assert [leaf["field"] for leaf in skipped["failing"]] == ["amount"]
    first = (await ledger.get("/v1/records/leads/lead-42/timeline", limit=1)).json()
    second = (await ledger.get("/v1/records/leads/lead-42/timeline", limit=1, cursor=first["next"])).json()
    assert [*first["items"], *second["items"]] == body["items"]
    assert second["next"] is None
    assert (await ledger.get("/v1/records/leads/lead-42/timeline", "other:viewer")).json()["items"] == []


async def test_a_timeline_of_no_module_says_which_there_are(ledger: Ledger) -> None:
    unknown = await ledger.get("/v1/records/lead/lead-42/timeline")
    assert unknown.status_code == 422
    [error] = unknown.json()["errors"]
    assert error["pointer"] == "/path/module"
    assert all(module in error["detail"] for module in topics.MODULES)


async def test_statistics_add_up(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.started(), facts.skipped()), facts.run_failed(2)])
    ledger.tell([facts.judged(facts.started("wf-1", "evt-2"), source=facts.event("evt-2"))])
    for bucket in ("5m", "1h", "1d"):
        body = (await ledger.get("/v1/stats", bucket=bucket)).json()
        shapes.Stats.model_validate(body)
        [point] = body["items"]
        assert point["run_count"] == 2
        assert point["runs_by_status"] | {"running": 1, "failed": 1, "skipped": 1} == point["runs_by_status"]
        assert 20 <= point["p50_ms"] <= 22
    assert (await ledger.get("/v1/stats", workflow_id="wf-2")).json()["items"][0]["run_count"] == 0
    assert (await ledger.get("/v1/stats", workflow_id="wf-9")).json()["items"] == []
    assert (await ledger.get("/v1/stats", bucket="5m", **{"from": "2020-01-01T00:00:00Z"})).status_code == 422


async def test_the_export_has_every_run_once(ledger: Ledger) -> None:
    ledger.tell(
        [
            facts.judged(facts.started("wf-1", f"evt-{number}"), source=facts.event(f"evt-{number}"))
            for number in range(1_100)
        ]
    )
    answer = await ledger.get("/v1/runs/export", workflow_id="wf-1")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) == 1_100
