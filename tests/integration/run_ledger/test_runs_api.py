"""`GET /v1/runs` and `GET /v1/runs/{id}` over real rows."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from run_ledger.routes import shapes
from signalbox_contracts.messages import CompletedAction, JournalFact
from signalbox_runtime.http.paging import encode_cursor
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        yield opened


async def shown(ledger: Ledger, run_id: str = "") -> dict[str, Any]:
    answer = await ledger.get(f"/v1/runs/{run_id or facts.run_id()}")
    assert answer.status_code == 200, answer.text
    shapes.Run.model_validate(answer.json())
    run: dict[str, Any] = answer.json()
    return run


FAILED: list[JournalFact] = [
    facts.judged(facts.started()),
    facts.succeeded(2),
    facts.failed(3, 1, attempt=1, final=False, retry_at_ms=facts.T0 + 500),
    facts.failed(4, 1, attempt=2),
    facts.run_failed(5),
]


async def test_a_failed_run_as_the_api_page_shows_it(ledger: Ledger) -> None:
    ledger.tell(FAILED)
    run = await shown(ledger)
    detail = "POST https://erp.example/leads answered 500"
    assert (run["status"], run["reason"], run["waiting_for"], run["deadline"]) == ("failed", None, None, None)
    assert (run["workflow_id"], run["workflow_name"], run["version"]) == ("wf-1", "Welcome", 3)
    assert (run["module"], run["event"], run["record_id"], run["event_id"]) == (
        "leads",
        "created",
        "lead-42",
        "evt-1",
    )
    assert run["duration_ms"] == 45
    assert run["verdict"]["outcome"] is True
    assert [action["status"] for action in run["actions"]] == ["success", "failed", "not_reached"]
    first, second, third = run["actions"]
    assert first["attempts"][0]["receipt"] == {"message_id": "<m@demo>"}
    assert first["attempts"][0] | {"number": 1, "outcome": "success", "error": None} == first["attempts"][0]
    assert "error" not in first
    assert second["error"] == {"type": "http-status", "detail": detail}
    assert [attempt["number"] for attempt in second["attempts"]] == [1, 2]
    assert third == {"id": "task", "type": "create_task", "status": "not_reached", "attempts": []}
    assert run["error"] == {"action": "tell-erp", "type": "http-status", "detail": detail}
    assert (run["chain"], run["caused"], run["retry_of"], run["retried_by"]) == ([], [], None, None)
    assert run["record"] == {"id": "lead-42", "name": "Ada"}
    assert run["previous"] is None
    assert run["started_at"].endswith("Z")


async def test_a_running_run(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.started()), facts.succeeded(2)])
    run = await shown(ledger)
    assert run["status"] == "running"
    assert run["finished_at"] is run["duration_ms"] is run["error"] is None
    assert [action["status"] for action in run["actions"]] == ["success", "running", "pending"]


async def test_a_run_that_waits_for_a_retry(ledger: Ledger) -> None:
    due = facts.T0 + 60_000
    ledger.tell(
        [
            facts.judged(facts.started()),
            facts.failed(2, final=False, retry_at_ms=due),
            facts.waiting(3, waiting_for="retry", deadline_ms=due),
        ]
    )
    run = await shown(ledger)
    assert (run["status"], run["waiting_for"]) == ("waiting", "retry")
    assert run["deadline"] == "2026-11-23T10:01:00.000Z"
    assert run["actions"][0]["status"] == "retrying"
    assert run["actions"][0]["attempts"][0]["retry_at"] == run["deadline"]


async def test_a_run_that_waits_for_the_crm_until_its_deadline_and_past_it(ledger: Ledger) -> None:
    ledger.tell(
        [facts.judged(facts.started()), facts.succeeded(2), facts.succeeded(3, 1), facts.waiting(4, 2)]
    )
    run = await shown(ledger)
    assert (run["status"], run["waiting_for"]) == ("waiting", "crm")
    assert run["actions"][2]["status"] == "running"
    assert run["actions"][2]["attempts"][0]["outcome"] is None
    ledger.clock.advance(120_000)
    run = await shown(ledger)
    assert (run["status"], run["waiting_for"]) == ("waiting", "crm")
    assert run["actions"][2]["status"] == "unknown"
    assert run["actions"][2]["attempts"][0]["outcome"] == "unknown"


async def test_a_run_that_waits_for_a_person(ledger: Ledger) -> None:
    reason = "The process ended during the call."
    ledger.tell(
        [
            facts.judged(facts.started()),
            facts.action_started(2),
            facts.waiting(3, waiting_for="person", deadline_ms=None, reason=reason, token=b"t"),
        ]
    )
    run = await shown(ledger)
    assert (run["status"], run["waiting_for"], run["deadline"]) == ("waiting", "person", None)
    assert run["reason"] == reason
    assert [action["status"] for action in run["actions"]] == ["unknown", "pending", "pending"]


async def test_a_skipped_run(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.skipped("wf-1"))])
    run = await shown(ledger)
    assert (run["status"], run["reason"], run["actions"]) == ("skipped", "conditions", [])
    assert run["verdict"] == {"outcome": False, "sentence": "amount was 10", "tree": {"all": []}}
    assert run["finished_at"] == run["started_at"]


async def test_a_canceled_run(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.started()), facts.succeeded(2), facts.run_canceled(3)])
    run = await shown(ledger)
    assert (run["status"], run["canceled_by"]) == ("canceled", "ada@demo")
    assert [action["status"] for action in run["actions"]] == ["success", "canceled", "not_reached"]


async def test_an_action_kept_by_a_retry(ledger: Ledger) -> None:
    done = CompletedAction(
        id="welcome", type="send_email", status="success", parameters_hash="a" * 64, receipt=b'{"n":1}'
    )
    ledger.tell([facts.judged(facts.started(completed=(done,), retry_of=facts.run_id("evt-0")))])
    run = await shown(ledger)
    assert run["actions"][0] == {
        "id": "welcome",
        "type": "send_email",
        "status": "success",
        "attempts": [],
        "receipt": {"n": 1},
        "kept": True,
    }
    assert run["actions"][1]["status"] == "running"


async def test_late_answers_and_what_the_run_caused(ledger: Ledger) -> None:
    ledger.tell(
        [
            facts.judged(facts.started()),
            facts.late_result(),
            facts.judged(
                facts.started("wf-9", "evt-2"), source=facts.event("evt-2", chain=("wf-1",), depth=1)
            ),
        ]
    )
    run = await shown(ledger)
    assert [late["why"] for late in run["late_results"]] == ["late"]
    assert [caused["workflow_id"] for caused in run["caused"]] == ["wf-9"]
    caused = await shown(ledger, facts.run_id("evt-2", "wf-9"))
    assert caused["chain"] == ["wf-1"]


async def test_another_tenants_run_is_not_found(ledger: Ledger) -> None:
    ledger.tell(FAILED)
    for run_id, key in (
        (facts.run_id(), "other:admin"),
        (facts.run_id("evt-x"), "demo:viewer"),
        ("x", "demo:viewer"),
    ):
        answer = await ledger.get(f"/v1/runs/{run_id}", key)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await ledger.get("/v1/runs", "other:admin")).json() == {"items": [], "next": None}
    assert (await ledger.get("/v1/runs", "nobody")).status_code == 401


async def test_filters_combine(ledger: Ledger) -> None:
    ledger.tell(FAILED)
    ledger.tell([facts.judged(facts.started("wf-2"), facts.skipped("wf-3"))])
    failed, other, skipped = (
        facts.run_id(),
        facts.run_id(workflow_id="wf-2"),
        facts.run_id(workflow_id="wf-3"),
    )

    async def listed(**query: Any) -> set[str]:
        answer = await ledger.get("/v1/runs", **query)
        assert answer.status_code == 200, answer.text
        for item in answer.json()["items"]:
            shapes.RunSummary.model_validate(item)
        return {item["id"] for item in answer.json()["items"]}

    assert await listed() == {failed, other}
    assert await listed(status=["skipped"]) == {skipped}
    assert await listed(status=["skipped", "failed"]) == {skipped, failed}
    assert await listed(status=["running"]) == {other}
    assert await listed(workflow_id="wf-1", version=3, module="leads", record_id="lead-42") == {failed}
    assert await listed(workflow_id="wf-1", status=["running"]) == set()
    assert await listed(text="ANSWERED 500") == {failed}
    assert await listed(text="answered_500") == set()
    assert await listed(text="%") == set()
    assert await listed(**{"from": "2026-11-23T10:00:00Z", "to": "2026-11-23T10:01:00Z"}) == {failed, other}
    assert await listed(to="2026-11-23T10:00:00") == set()
    assert await listed(version=4) == set()


async def test_an_error_text_is_found_as_it_is_written_in_any_alphabet(ledger: Ledger) -> None:
    detail = "POST https://erp.example/İstanbul answered 500"
    ledger.tell([facts.judged(facts.started()), facts.run_failed(2, error_detail=detail)])
    for text in ("İstanbul", "İSTANBUL", detail):
        assert len((await ledger.get("/v1/runs", text=text)).json()["items"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"workflow_id": "a\x00"},
        {"record_id": "\x00"},
        {"module": "leads\x00"},
        {"text": "a\x00b"},
        {"cursor": encode_cursor(1, "no id")},
        {"cursor": encode_cursor(2**63 - 1, facts.run_id())},
        {"cursor": encode_cursor(-(2**63), facts.run_id())},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"to": "9999-12-31T23:59:59-14:00"},
        {"version": 2**40},
    ],
)
async def test_no_question_is_too_odd(ledger: Ledger, query: dict[str, Any]) -> None:
    for path in ("/v1/runs", "/v1/runs/export", "/v1/stats", "/v1/records/leads/lead-42/timeline"):
        answer = await ledger.get(path, **query)
        assert answer.status_code in (200, 422), (path, answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/runs/%00",
        "/v1/runs/%00/retry-preview",
        "/v1/records/leads/a%00b/timeline",
        "/v1/records/%00/lead-42/timeline",
        "/v1/bulk-retries/%00",
    ],
)
async def test_no_path_is_too_odd(ledger: Ledger, path: str) -> None:
    assert (await ledger.get(path)).status_code in (200, 404, 422)


async def test_pages_are_stable_while_runs_come_in(ledger: Ledger) -> None:
    def burst(begin: int, end: int) -> list[JournalFact]:
        return [
            facts.judged(
                facts.started("wf-1", f"evt-{number}"),
                at_ms=facts.T0 + number // 3,
                source=facts.event(f"evt-{number}"),
            )
            for number in range(begin, end)
        ]

    ledger.tell(burst(0, 20))
    seen: list[str] = []
    cursor = None
    for page in range(5):
        query: dict[str, Any] = {"limit": 4} | ({"cursor": cursor} if cursor else {})
        body = (await ledger.get("/v1/runs", **query)).json()
        seen += [item["id"] for item in body["items"]]
        cursor = body["next"]
        ledger.tell(burst(20 + page, 21 + page))
    assert cursor is None
    assert len(seen) == len(set(seen)) == 20
    assert (await ledger.get("/v1/runs", cursor="x")).status_code == 422


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/runs", {"cursor": encode_cursor(1, "no run id")}),
        ("/v1/runs", {"cursor": encode_cursor(1, "\0")}),
        ("/v1/runs/export", {"record_id": "\0"}),
        ("/v1/runs/export", {"text": "\0"}),
        ("/v1/records/leads/%00/timeline", {}),
    ],
)
async def test_what_no_row_can_have_is_refused_before_anything_is_sent(
    ledger: Ledger, path: str, query: dict[str, str]
) -> None:
    answer = await ledger.get(path, **query)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
