"""Retry, cancel and resolve: whatever happens at once, one row, one message, one answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from run_ledger.adapters.requests import deadlines
from run_ledger.routes import shapes
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import (
    ActionRequested,
    ActionSucceeded,
    CrmEvent,
    JournalFact,
    RunCanceled,
    RunCancelRequested,
    RunsRequested,
    WorkflowRunsCanceled,
)
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.records import Inbound
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts
from tests.unit.run_ledger.test_resolution import step, token

RUN = f"/v1/runs/{facts.run_id()}"
FAILED: list[JournalFact] = [
    facts.judged(facts.started()),
    facts.succeeded(2, effect_key=ids.effect_key("demo", "evt-1", "wf-1", "welcome", 0)),
    facts.failed(3, 1, effect_key=ids.effect_key("demo", "evt-1", "wf-1", "tell-erp", 0)),
    facts.run_failed(4),
]
HELD: list[JournalFact] = [
    facts.judged(facts.started()),
    facts.action_started(2, 1),
    facts.waiting(
        5,
        1,
        waiting_for="person",
        deadline_ms=None,
        reason="unknown",
        token=codec.encode(token(step(1), step(2))),
    ),
]


def unanswered(on_unknown: Any = "resend") -> list[JournalFact]:
    import msgspec

    held = token(msgspec.structs.replace(step(2), on_unknown=on_unknown))
    return [facts.judged(facts.started()), facts.waiting(5, 2, token=codec.encode(held))]


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        yield opened


async def test_five_clicks_at_once_make_one_run_and_one_message(ledger: Ledger) -> None:
    ledger.tell(FAILED)
    answers = await asyncio.gather(*(ledger.post(f"{RUN}/retry") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    answer = answers[0].json()
    shapes.Run.model_validate(answer)
    assert (answer["status"], answer["retry_of"]) == ("running", facts.run_id())
    [(topic, key, message)] = await ledger.sent()
    assert (topic, key) == ("runs.requested", b"demo/leads/lead-42")
    assert isinstance(message, RunsRequested)
    assert codec.decode(message.event, CrmEvent) == facts.event()
    assert [(candidate.run_id, candidate.version) for candidate in message.candidates] == [(answer["id"], 3)]
    resume = message.resume
    assert resume is not None
    assert (resume.retry_of, resume.retry_number, resume.mode) == (facts.run_id(), 1, "pinned")
    assert [(done.id, done.receipt) for done in resume.completed] == [
        ("welcome", b'{"message_id":"<m@demo>"}')
    ]
    assert (await ledger.get(RUN)).json()["retried_by"] == answer["id"]


async def test_the_retry_links_both_ways_once_it_is_judged(ledger: Ledger) -> None:
    ledger.tell(FAILED)
    new = (await ledger.post(f"{RUN}/retry", {"version": "latest"})).json()["id"]
    ledger.tell([facts.judged(facts.started(run_id=new, retry_of=facts.run_id(), retry_number=1))])
    assert (await ledger.get(f"/v1/runs/{new}")).json()["retry_of"] == facts.run_id()
    again = await ledger.post(f"{RUN}/retry")
    assert (again.status_code, again.json()["id"]) == (202, new)
    [(_, _, message)] = await ledger.sent()
    assert isinstance(message, RunsRequested)
    assert message.candidates[0].version == 0


async def test_only_failed_runs_with_their_event_can_be_retried(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.started(), facts.skipped())])
    for run_id in (facts.run_id(), facts.run_id(workflow_id="wf-2")):
        answer = await ledger.post(f"/v1/runs/{run_id}/retry")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-failed")
    ledger.tell(FAILED[1:])
    async with ledger.engine.begin() as connection:
        from sqlalchemy import text

        await connection.execute(text("TRUNCATE history.events"))
    answer = await ledger.post(f"{RUN}/retry")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/payload-expired")
    preview = (await ledger.get(f"{RUN}/retry-preview")).json()
    assert (preview["possible"], preview["reason"]) == (False, "payload-expired")
    assert (await ledger.post(f"{RUN}/retry", key="demo:viewer")).status_code == 403
    assert (await ledger.post(f"{RUN}/retry", key="other:admin")).status_code == 404
    assert await ledger.sent() == []


async def test_the_preview_says_what_will_not_repeat(ledger: Ledger) -> None:
    ledger.tell(FAILED)
    answer = (await ledger.get(f"{RUN}/retry-preview")).json()
    shapes.RetryPreview.model_validate(answer)
    assert answer["possible"]
    assert [action["outcome"] for action in answer["actions"]] == ["will_not_repeat", "will_run", "will_run"]


async def test_a_cancel_is_asked_for_once_and_shown(ledger: Ledger) -> None:
    ledger.tell([facts.judged(facts.started())])
    answers = await asyncio.gather(*(ledger.post(f"{RUN}/cancel") for _ in range(5)))
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(202, "canceling")] * 5
    [(topic, key, message)] = await ledger.sent()
    assert (topic, key) == ("runs.control", f"demo/{facts.run_id()}".encode())
    assert isinstance(message, RunCancelRequested)
    listed = (await ledger.get("/v1/runs", status=["canceling"])).json()["items"]
    assert [item["status"] for item in listed] == ["canceling"]
    assert (await ledger.get("/v1/runs", status=["running"])).json()["items"] == []
    ledger.tell([facts.run_canceled(2)])
    assert (await ledger.get(RUN)).json()["status"] == "canceled"
    assert (await ledger.post(f"{RUN}/cancel")).json()["type"] == "/problems/not-in-flight"


async def test_a_run_that_waits_for_a_person_is_canceled_by_the_ledger(ledger: Ledger) -> None:
    ledger.tell(HELD)
    assert (await ledger.post(f"{RUN}/cancel")).status_code == 202
    messages = [message for _, _, message in await ledger.sent()]
    assert [type(message) for message in messages] == [RunCancelRequested, RunCanceled]
    assert isinstance(messages[1], RunCanceled)
    assert messages[1].seq == 6
    assert (await ledger.post(f"{RUN}/actions/1/resolve", {"resolution": "done"})).status_code == 409


async def test_five_people_settle_an_unknown_action_once(ledger: Ledger) -> None:
    ledger.tell(HELD)
    choices = ["done", "resend", "fail", "done", "resend"]
    answers = await asyncio.gather(
        *(ledger.post(f"{RUN}/actions/1/resolve", {"resolution": choice}) for choice in choices)
    )
    chosen = {choice for choice, answer in zip(choices, answers, strict=True) if answer.status_code == 202}
    assert len(chosen) == 1
    refused = [answer for answer in answers if answer.status_code != 202]
    assert {answer.json()["type"] for answer in refused} == {"/problems/already-resolved"}
    sent = await ledger.sent()
    assert len([message for _, _, message in sent if isinstance(message, ActionRequested)]) <= 1
    assert (await ledger.get(RUN)).json()["status"] == "running"


async def test_done_sends_the_token_on(ledger: Ledger) -> None:
    ledger.tell(HELD)
    answer = await ledger.post(f"{RUN}/actions/1/resolve", {"resolution": "done"})
    assert answer.status_code == 202
    (_, _, fact), (topic, key, following) = await ledger.sent()
    assert isinstance(fact, ActionSucceeded)
    assert isinstance(following, ActionRequested)
    assert (topic, key, following.seq) == ("actions.create-task", b"demo/leads/lead-42", fact.seq)


async def test_an_action_that_is_not_unknown_can_not_be_settled(ledger: Ledger) -> None:
    ledger.tell(HELD)
    for index in (0, 2):
        answer = await ledger.post(f"{RUN}/actions/{index}/resolve", {"resolution": "done"})
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-unknown")


async def test_an_unanswered_command_is_sent_again_only_past_what_was_read(ledger: Ledger) -> None:
    ledger.tell(unanswered())
    state = ledger.app.state

    async def moved() -> int:
        return await deadlines.move_overdue(
            ledger.engine, state.runs, state.requests, ledger.read_past, Cancellations(), ledger.clock
        )

    assert await moved() == 0  # in time
    assert (await ledger.post(f"{RUN}/actions/2/resolve", {"resolution": "resend"})).status_code == 409
    ledger.clock.advance(120_000)
    ledger.read_past.answer = False
    assert await moved() == 0
    answer = await ledger.post(f"{RUN}/actions/2/resolve", {"resolution": "resend"})
    assert answer.json()["type"] == "/problems/not-yet"
    ledger.read_past.answer = True
    assert await moved() == 1
    assert await moved() == 0
    [(topic, _, message)] = await ledger.sent()
    assert topic == "actions.create-task"
    assert isinstance(message, ActionRequested)
    assert (message.seq, message.attempt) == (5, 2)


async def test_a_held_command_waits_for_a_person_and_a_canceled_one_ends(ledger: Ledger) -> None:
    ledger.tell(unanswered("hold"))
    ledger.clock.advance(120_000)
    state = ledger.app.state
    parts = (ledger.engine, state.runs, state.requests, ledger.read_past, Cancellations(), ledger.clock)
    assert await deadlines.move_overdue(*parts) == 0
    assert (await ledger.get(RUN)).json()["actions"][2]["status"] == "unknown"
    assert (await ledger.post(f"{RUN}/cancel")).status_code == 202
    assert await deadlines.move_overdue(*parts) == 1
    assert isinstance((await ledger.sent())[-1][2], RunCanceled)


async def test_a_run_that_came_to_wait_for_a_person_while_it_was_canceled_ends(ledger: Ledger) -> None:
    ledger.tell(HELD[:1])
    assert (await ledger.post(f"{RUN}/cancel")).status_code == 202
    ledger.tell(HELD[1:])
    assert (await ledger.get(RUN)).json()["status"] == "canceling"
    parts = (ledger.engine, ledger.app.state.runs, ledger.app.state.requests, Cancellations())
    assert await deadlines.end_canceled(*parts) == 1
    assert await deadlines.end_canceled(*parts) == 0
    [(_, _, asked), (topic, _, fact)] = await ledger.sent()
    assert (topic, type(asked)) == ("runs.journal", RunCancelRequested)
    assert isinstance(fact, RunCanceled)
    assert (fact.seq, fact.requested_by) == (6, "key:operator")
    ledger.tell([fact])
    assert (await ledger.get(RUN)).json()["status"] == "canceled"


def canceled_workflow(before_ms: int, workflow_id: str = "wf-1") -> Cancellations:
    """All runs of a workflow canceled, as its pause asks for."""
    request = WorkflowRunsCanceled(
        tenant_id="demo", workflow_id=workflow_id, before_ms=before_ms, requested_by="ada@demo"
    )
    cancellations = Cancellations()
    cancellations.apply(
        Inbound(
            topic=topics.RUNS_CONTROL,
            partition=0,
            offset=0,
            timestamp_ms=0,
            key=b"demo/wf-1",
            value=codec.encode(request),
        )
    )
    return cancellations


async def test_a_workflow_s_runs_that_wait_for_a_person_are_canceled_with_it(ledger: Ledger) -> None:
    ledger.tell(HELD)
    parts = (ledger.engine, ledger.app.state.runs, ledger.app.state.requests)
    started_ms = facts.T0 + 5
    assert await deadlines.end_canceled(*parts, canceled_workflow(started_ms - 1)) == 0
    assert await deadlines.end_canceled(*parts, canceled_workflow(started_ms, "wf-2")) == 0
    assert await deadlines.end_canceled(*parts, canceled_workflow(started_ms)) == 1
    assert await deadlines.end_canceled(*parts, canceled_workflow(started_ms)) == 0
    [(_, _, fact)] = await ledger.sent()
    assert isinstance(fact, RunCanceled)
    assert (fact.seq, fact.requested_by) == (6, "ada@demo")


async def test_a_held_command_is_canceled_with_its_workflow(ledger: Ledger) -> None:
    ledger.tell(unanswered("hold"))
    ledger.clock.advance(120_000)
    state = ledger.app.state
    parts = (ledger.engine, state.runs, state.requests, ledger.read_past)
    assert await deadlines.move_overdue(*parts, Cancellations(), ledger.clock) == 0
    assert await deadlines.move_overdue(*parts, canceled_workflow(facts.T0 + 5), ledger.clock) == 1
    assert isinstance((await ledger.sent())[-1][2], RunCanceled)
