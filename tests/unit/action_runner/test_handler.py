"""The handler without Kafka and without a network: what is called, what is written, and what is not."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec
import pytest
import structlog

from action_runner.actions.action import CallAction, Surroundings
from action_runner.actions.registry import ACTIONS
from action_runner.adapters.http_messages import HttpRequest, HttpResponse, NoResponse
from action_runner.adapters.smtp import Handed, NoReply, Refused, Reply, SmtpServer
from action_runner.answers import AnswerDesk
from action_runner.destinations import PACE_WAIT_MAX_MS, Destinations
from action_runner.domain import breaker
from action_runner.handler import BREAKAGES_MAX, RunnerHandler
from action_runner.permits import Permits
from action_runner.rotation import Rotation
from action_runner.slow_renderings import SlowRenderings
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import (
    ActionFailed,
    ActionRequested,
    ActionStarted,
    ActionStep,
    ActionSucceeded,
    CompletedAction,
    CrmCommand,
    CrmCommandResult,
    Delayed,
    LateResult,
    Message,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)
from signalbox_rules.actions.registry import ACTIONS_BY_TYPE
from signalbox_rules.mail.compose import Mail
from signalbox_rules.record_catalog import User
from signalbox_runtime.clock import ManualClock
from signalbox_runtime.errors import UndecodableInternalMessage
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.process import logs
from signalbox_runtime.records import Inbound, Outbox, TopicPartition
from signalbox_runtime.testing.fake_kafka import FakeKafka
from tests.unit.action_runner.tokens import NOW_MS, step, token

HOOK = {"url": "https://erp.example/leads", "body": {"lead": "{{ record.id }}"}}
MAX_POLL_INTERVAL_SECONDS = 300
"""librdkafka's default: who stays away longer from poll() is put out of its group."""
MAIL = {"to": ["u-1"], "subject": "Hi {{ record.name }}", "text": "Hello"}


def answer(status: int, **headers: str) -> HttpResponse:
    return HttpResponse(status, tuple(headers.items()), b"body\x00", "0" * 64, 5, complete=True)


class FakeHttp:
    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.answers: list[HttpResponse | NoResponse] = [answer(200)]

    async def send(self, request: HttpRequest, timeout_seconds: float) -> HttpResponse | NoResponse:
        assert timeout_seconds == 15
        self.requests.append(request)
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


class FakeMail:
    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.answer: Handed | Refused | NoReply = Handed(Reply(250, "taken"), {})

    async def send(
        self, server: SmtpServer, mail: Mail, timeout_seconds: float
    ) -> Handed | Refused | NoReply:
        self.mails.append(mail)
        return self.answer


class Stage:
    """A handler, everything around it, and a short way to ask it."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW_MS)
        self.http = FakeHttp()
        self.mail = FakeMail()
        self.cancellations = Cancellations()
        self.destinations = Destinations(lambda: 0.0)
        self.offset = 0
        rotation = Rotation(self.clock)
        self.surroundings = Surroundings(
            clock=self.clock,
            http=self.http,
            mail=self.mail,
            secrets=lambda _tenant, name: (f"new-{name}", f"old-{name}"),
            smtp_server=lambda _tenant: SmtpServer("127.0.0.1", 25),
            mail_from="s@crm.example",
            message_id_domain="signalbox.local",
            rotation=rotation,
        )
        self.handler = RunnerHandler(
            self.surroundings,
            users=lambda _tenant: {"u-1": User("u-1", "Ada", "ada@crm.example")},
            cancellations=self.cancellations,
            destinations=self.destinations,
            permits=Permits(),
            answers=AnswerDesk(FakeKafka(), rotation, "action-runner"),
            slow_renderings=SlowRenderings(),
            jitter=lambda: 0.0,
        )

    def inbound(self, topic: str, value: Message | bytes) -> Inbound:
        self.offset += 1
        return Inbound(
            topic=topic,
            partition=0,
            offset=self.offset,
            timestamp_ms=self.clock.now_ms(),
            key=b"acme/leads/lead-1",
            value=value if isinstance(value, bytes) else codec.encode(value),
            headers=(("traceparent", b"00-1"), ("other", b"x")),
        )

    def execute(self, run: ActionRequested) -> Outbox | Coroutine[Any, Any, Outbox]:
        inbound = self.inbound(topics.action_topic(run.actions[0].type), run)
        return self.handler.execute(self.handler.accept(inbound))

    async def run(self, run: ActionRequested) -> list[tuple[str, Message]]:
        outbox = self.execute(run)
        if not isinstance(outbox, Outbox):
            outbox = await outbox
        return written(outbox)

    def answered(self, result: CrmCommandResult) -> list[tuple[str, Message]]:
        outbox = self.handler.execute(self.handler.accept(self.inbound(topics.CRM_COMMAND_RESULTS, result)))
        assert isinstance(outbox, Outbox)
        return written(outbox)


def written(outbox: Outbox) -> list[tuple[str, Message]]:
    for record in outbox:
        assert record.key == b"acme/leads/lead-1"
        assert ("traceparent", b"00-1") in record.headers
    return [(record.topic, codec.decode_any(record.value or b"")) for record in outbox]


def kinds(messages: list[tuple[str, Message]]) -> list[tuple[str, type[Message]]]:
    return [(topic, type(message)) for topic, message in messages]


def hook(**changes: Any) -> ActionStep:
    parameters = {**HOOK, **changes.pop("parameters", {})}
    return step("webhook", parameters=json.dumps(parameters).encode(), **changes)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_a_webhook_is_signed_keyed_and_its_receipt_written(stage: Stage) -> None:
    facts = await stage.run(token(hook(parameters={"secret": "erp", "headers": {"X-Team": "sales"}})))
    assert kinds(facts) == [("runs.journal", ActionSucceeded), ("runs.journal", RunSucceeded)]
    (request,) = stage.http.requests
    headers = dict(request.headers)
    succeeded = facts[0][1]
    assert isinstance(succeeded, ActionSucceeded)
    assert headers["Idempotency-Key"] == headers["webhook-id"] == succeeded.effect_key
    assert headers["webhook-timestamp"] == str(NOW_MS // 1000)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert (headers["X-Team"], headers["Content-Type"]) == ("sales", "application/json")
    assert request.body == b'{"lead":"lead-1"}'
    receipt = json.loads(succeeded.receipt)
    assert (receipt["status"], receipt["body"]) == (200, "body\ufffd")


@pytest.mark.parametrize(
    ("parameters", "body", "content_type"),
    [
        (
            {"body": None, "form": {"a b": "{{ record.name }}&c"}},
            b"a+b=Ada%26c",
            "application/x-www-form-urlencoded",
        ),
        ({"body": None, "raw": "Hi {{ record.name }}"}, b"Hi Ada", "text/plain; charset=utf-8"),
        (
            {"body": {"quote": '{{ record.name }}", "x": "'}},
            b'{"quote":"Ada\\", \\"x\\": \\""}',
            "application/json",
        ),
        ({"body": [1, None, True]}, b"[1,null,true]", "application/json"),
    ],
)
async def test_bodies(stage: Stage, parameters: Mapping[str, Any], body: bytes, content_type: str) -> None:
    await stage.run(token(hook(parameters=parameters)))
    (request,) = stage.http.requests
    assert (request.body, dict(request.headers)["Content-Type"]) == (body, content_type)


async def test_a_url_in_an_error_shows_no_query(stage: Stage) -> None:
    stage.http.answers = [answer(404)]
    facts = await stage.run(token(hook(parameters={"url": "https://erp.example/leads?key=s3cret"})))
    failed = facts[0][1]
    assert isinstance(failed, ActionFailed)
    assert failed.error_detail == "POST https://erp.example/leads answered 404"


async def test_attempts_in_the_lane_are_written_together_when_the_run_moves_on(stage: Stage) -> None:
    stage.http.answers = [answer(503), answer(429), answer(200)]
    policy = msgspec.structs.replace(step().retry, first_backoff_ms=2)
    facts = await stage.run(token(hook(retry=policy), step("send_email", 1)))
    assert kinds(facts) == [
        ("runs.journal", ActionFailed),
        ("runs.journal", ActionFailed),
        ("runs.journal", ActionSucceeded),
        ("actions.send-email", ActionRequested),
    ]
    assert len({dict(request.headers)["webhook-id"] for request in stage.http.requests}) == 1


async def test_a_long_wait_leaves_by_the_largest_delay_that_fits(stage: Stage) -> None:
    stage.http.answers = [answer(503, **{"retry-after": "700"})]
    messages = await stage.run(token(hook()))
    assert kinds(messages) == [
        ("runs.journal", ActionFailed),
        ("runs.journal", RunWaiting),
        ("delays.10m", Delayed),
    ]
    delayed = messages[2][1]
    assert isinstance(delayed, Delayed)
    assert (delayed.topic, delayed.due_at_ms) == ("actions.webhook", NOW_MS + 700_000)
    assert delayed.headers == {"traceparent": b"00-1"}


async def test_a_partition_that_is_taken_away_ends_the_wait_in_its_lane(stage: Stage) -> None:
    stage.http.answers = [answer(503)]
    policy = msgspec.structs.replace(step().retry, first_backoff_ms=9_000)
    outbox = stage.execute(token(hook(retry=policy)))
    assert not isinstance(outbox, Outbox)
    call = asyncio.create_task(outbox)
    await asyncio.sleep(0.01)
    stage.handler.revoked(frozenset((TopicPartition("actions.webhook", 0),)))
    async with asyncio.timeout(1):
        messages = written(await call)
    assert kinds(messages) == [
        ("runs.journal", ActionFailed),
        ("runs.journal", RunWaiting),
        ("delays.1s", Delayed),
    ]


async def test_a_partition_that_was_taken_away_during_the_call_is_not_kept_by_a_wait(stage: Stage) -> None:
    stage.http.answers = [answer(503)]
    gone = frozenset((TopicPartition("actions.webhook", 0),))
    policy = msgspec.structs.replace(step().retry, first_backoff_ms=9_000)
    stage.handler.revoked(gone)
    async with asyncio.timeout(1):
        messages = await stage.run(token(hook(retry=policy)))
    assert kinds(messages)[-1] == ("delays.1s", Delayed)

    await stage.handler.assigned({})  # others came: this one is still away
    async with asyncio.timeout(1):
        await stage.run(token(hook(retry=policy)))
    await stage.handler.assigned(dict.fromkeys(gone, 0))
    outbox = stage.execute(token(hook(retry=policy)))
    assert not isinstance(outbox, Outbox)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(outbox, 0.05)


async def test_the_past_of_a_partition_is_read_once_at_a_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a reading that began before the partition went could end last, and forget what came since."""
    may_end = threading.Event()
    order: list[str] = []

    def read_back(_desk: AnswerDesk, starts: Mapping[TopicPartition, int]) -> None:
        (start,) = starts.values()
        order.append(f"begin {start}")
        if start == 1:
            may_end.wait(10)
        order.append(f"end {start}")

    monkeypatch.setattr(AnswerDesk, "read_back", read_back)
    place = TopicPartition(topics.CRM_COMMAND_RESULTS, 0)
    readings = [asyncio.create_task(stage.handler.assigned({place: start})) for start in (1, 2)]
    await asyncio.sleep(0.05)
    may_end.set()
    await asyncio.gather(*readings)
    assert order == ["begin 1", "end 1", "begin 2", "end 2"]


def test_no_call_takes_longer_than_a_partition_is_kept_for_it() -> None:
    longest = max(
        ACTIONS_BY_TYPE[action.type].timeout_seconds_max
        for action in ACTIONS
        if isinstance(action, CallAction)
    )
    assert longest + PACE_WAIT_MAX_MS / 1000 < LaneLimits().drain_seconds < MAX_POLL_INTERVAL_SECONDS


async def test_a_run_canceled_while_it_waits_in_its_lane_makes_no_further_call(stage: Stage) -> None:
    stage.http.answers = [answer(503)]
    policy = msgspec.structs.replace(step().retry, first_backoff_ms=50)
    outbox = stage.execute(token(hook(retry=policy)))
    assert not isinstance(outbox, Outbox)
    call = asyncio.create_task(outbox)
    await asyncio.sleep(0)
    request = RunCancelRequested(tenant_id="acme", run_id="run-1", requested_at_ms=1, requested_by="key:ops")
    stage.cancellations.apply(stage.inbound(topics.RUNS_CONTROL, request))
    assert kinds(written(await call)) == [("runs.journal", ActionFailed), ("runs.journal", RunCanceled)]
    assert len(stage.http.requests) == 1


async def test_an_open_breaker_delays_and_burns_no_attempt(stage: Stage) -> None:
    stage.http.answers = [answer(500)]
    for _ in range(breaker.FAILURES_MAX):
        await stage.run(token(hook(), attempt=3))
    made = len(stage.http.requests)
    messages = await stage.run(token(hook()))
    assert len(stage.http.requests) == made
    assert kinds(messages) == [("runs.journal", RunWaiting), ("delays.1s", Delayed)]
    delayed = messages[1][1]
    assert isinstance(delayed, Delayed)
    assert codec.decode(delayed.payload, ActionRequested).attempt == 1


async def test_hold_announces_first_and_a_permit_is_good_for_one_call(stage: Stage) -> None:
    messages = await stage.run(token(hook(on_unknown="hold")))
    assert kinds(messages) == [("runs.journal", ActionStarted), ("actions.webhook", ActionRequested)]
    assert stage.http.requests == []
    permitted = messages[1][1]
    assert isinstance(permitted, ActionRequested)
    assert kinds(await stage.run(permitted))[0] == ("runs.journal", ActionSucceeded)
    again = await stage.run(permitted)
    assert kinds(again) == [("runs.journal", RunWaiting)]
    assert len(stage.http.requests) == 1
    assert stage.http.requests[0].repeatable is False


async def test_another_process_does_not_make_a_held_call(stage: Stage) -> None:
    permitted = (await stage.run(token(hook(on_unknown="hold"))))[1][1]
    assert isinstance(permitted, ActionRequested)
    other = Stage()
    assert kinds(await other.run(permitted)) == [("runs.journal", RunWaiting)]
    assert other.http.requests == []


@pytest.mark.parametrize(
    ("reply", "fact"),
    [
        (Handed(Reply(250, "ok"), {"bob@x.example": Reply(550, "no")}), ActionSucceeded),
        (Refused("recipients", (Reply(550, "no"),), "550 no"), ActionFailed),
        (Refused("recipients", (Reply(550, "no"), Reply(450, "later")), "450 later"), ActionFailed),
        (NoReply("timeout", "x", sent=True), ActionFailed),
        (NoReply("connect", "x", sent=False), ActionFailed),
    ],
)
async def test_what_an_smtp_server_says(
    stage: Stage, reply: Handed | Refused | NoReply, fact: type[Message]
) -> None:
    stage.mail.answer = reply
    mail = step("send_email", parameters=json.dumps(MAIL).encode())
    messages = await stage.run(token(mail, attempt=3))
    assert messages[0][1].__class__ is fact
    assert stage.mail.mails[0].recipients == ("ada@crm.example",)
    if isinstance(reply, Handed):
        succeeded = messages[0][1]
        assert isinstance(succeeded, ActionSucceeded)
        assert json.loads(succeeded.receipt)["refused"] == {"bob@x.example": "550 no"}
        assert any("bob@x.example" in warning for warning in succeeded.warnings)


async def test_a_crm_action_is_a_command_and_calls_nobody(stage: Stage) -> None:
    change = step("change_field", parameters=b'{"field":"amount","value":5}')
    outbox = stage.execute(token(change))
    assert isinstance(outbox, Outbox)
    messages = written(outbox)
    assert kinds(messages) == [("runs.journal", RunWaiting), ("crm.commands", CrmCommand)]


async def test_of_two_answers_one_moves_the_run_and_a_resent_command_is_a_new_question(stage: Stage) -> None:
    change = step("change_field", parameters=b'{"field":"amount","value":5}')
    waiting, sent = (message for _, message in await stage.run(token(change)))
    assert isinstance(waiting, RunWaiting)
    assert isinstance(sent, CrmCommand)
    result = result_of(sent)
    assert kinds(stage.answered(result)) == [
        ("runs.journal", ActionSucceeded),
        ("runs.journal", RunSucceeded),
    ]
    late = stage.answered(result)
    assert kinds(late) == [("runs.journal", LateResult)]

    assert waiting.token is not None
    resent = (await stage.run(codec.decode(waiting.token, ActionRequested)))[1][1]
    assert isinstance(resent, CrmCommand)
    assert resent.command_id == sent.command_id
    assert kinds(stage.answered(result_of(resent)))[0] == ("runs.journal", ActionSucceeded)


@pytest.mark.parametrize("key", [None, b"acme/leads/lead-2", b"\xff"])
async def test_an_answer_under_another_key_moves_nothing(stage: Stage, key: bytes | None) -> None:
    (_, (_, sent)) = await stage.run(token(step("change_field", parameters=b'{"field":"amount","value":5}')))
    assert isinstance(sent, CrmCommand)
    inbound = msgspec.structs.replace(stage.inbound(topics.CRM_COMMAND_RESULTS, result_of(sent)), key=key)
    outbox = stage.handler.execute(stage.handler.accept(inbound))
    assert isinstance(outbox, Outbox)
    (letter,) = outbox
    assert letter.topic == topics.DEAD_LETTERS
    assert b"it must be the command's, 'acme/leads/lead-1'" in dict(letter.headers)["error"]
    assert [kind for _, kind in kinds(stage.answered(result_of(sent)))] == [ActionSucceeded, RunSucceeded]


async def test_a_run_that_outgrows_its_messages_ends_and_says_so(stage: Stage) -> None:
    """Nobody could ever send its token on, and everything behind it would wait."""
    text = json.dumps({"text": "x" * 2_050_000}).encode()
    done = CompletedAction(id="before", type="webhook", status="success", parameters_hash="h", receipt=text)
    run = token(hook(), hook(index=1), completed=(done,), record=text)
    (_, called), (_, failed) = await stage.run(msgspec.structs.replace(run, completed=(done, done)))
    assert isinstance(called, ActionSucceeded)
    assert isinstance(failed, RunFailed)
    assert (failed.error_type, failed.seq, failed.action_id) == ("run-too-large", called.seq + 1, "action-0")
    assert "actions.webhook takes 4,194,304" in failed.error_detail


async def test_answers_are_told_apart_whatever_order_their_lanes_take_turns_in(stage: Stage) -> None:
    change = step("change_field", parameters=b'{"field":"amount","value":5}')
    sent = [(await stage.run(token(change, run_id=run, event_id=run)))[1][1] for run in ("run-1", "run-2")]
    works = [
        stage.handler.accept(stage.inbound(topics.CRM_COMMAND_RESULTS, result_of(command)))
        for command in sent
        for _ in range(2)
        if isinstance(command, CrmCommand)
    ]
    moved = []
    for number in (2, 0, 1, 3):  # the lane of the second run first
        outbox = stage.handler.execute(works[number])
        assert isinstance(outbox, Outbox)
        moved.append(kinds(written(outbox))[0][1])
    assert moved == [ActionSucceeded, ActionSucceeded, LateResult, LateResult]


async def test_an_answer_skipped_because_it_was_judged_before_is_remembered(stage: Stage) -> None:
    change = step("change_field", parameters=b'{"field":"amount","value":5}')
    sent = (await stage.run(token(change)))[1][1]
    assert isinstance(sent, CrmCommand)
    result = result_of(sent)
    stage.handler.skipped(stage.inbound(topics.CRM_COMMAND_RESULTS, result))
    assert kinds(stage.answered(result)) == [("runs.journal", LateResult)]


def test_a_token_that_nobody_can_read_stops_the_service(stage: Stage) -> None:
    with pytest.raises(UndecodableInternalMessage):
        stage.handler.accept(stage.inbound("actions.webhook", b"garbage"))


def broken(stage: Stage, break_it: Callable[[], None]) -> Outbox:
    def users(_tenant: str) -> Mapping[str, User]:
        break_it()
        return {}

    stage.handler._users = users
    outbox = stage.execute(token(hook()))
    assert isinstance(outbox, Outbox)
    return outbox


def test_a_token_that_breaks_our_code_is_buried_but_many_in_a_row_stop_the_service(stage: Stage) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    for _ in range(BREAKAGES_MAX):
        fact, buried = list(broken(stage, fail))
        failed = codec.decode(fact.value or b"", RunFailed)
        assert failed.dead_letter == f"actions.webhook-0@{stage.offset}"
        assert buried.topic == topics.DEAD_LETTERS
    with pytest.raises(RuntimeError):
        broken(stage, fail)


def test_the_log_tells_which_run_broke_our_code(stage: Stage) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    with structlog.testing.capture_logs(
        processors=(structlog.contextvars.merge_contextvars, logs.add_place)
    ) as entries:
        broken(stage, fail)
    (entry,) = entries
    assert (entry["tenant"], entry["run"], entry["event_id"]) == ("acme", "run-1", "evt-1")
    assert entry["place"] == f"actions.webhook-0@{stage.offset}"


def result_of(sent: CrmCommand) -> CrmCommandResult:
    return CrmCommandResult(
        command_id=sent.command_id,
        tenant_id=sent.tenant_id,
        module=sent.module,
        record_id=sent.record_id,
        outcome="applied",
        receipt=b"{}",
        record=b"{}",
        answered_at_ms=NOW_MS,
        reply_context=sent.reply_context,
    )


def test_a_token_tells_its_tenant_undecoded_and_an_answer_is_accepted_at_once(stage: Stage) -> None:
    waiting = token(hook())
    assert stage.handler.tenant_of(stage.inbound("actions.webhook", waiting)) == waiting.tenant_id
    assert stage.handler.tenant_of(stage.inbound(topics.CRM_COMMAND_RESULTS, waiting)) is None
