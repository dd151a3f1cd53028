"""CRM commands, holds, cancels, delays and dead letters, through a real runner process on a real Kafka."""

import json
import time
from collections.abc import Iterator

import msgspec
import pytest

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import (
    ActionFailed,
    ActionRequested,
    ActionStarted,
    ActionSucceeded,
    Delayed,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)
from signalbox_runtime.testing.waiting import eventually
from tests.integration.action_runner.crm import TestCrm
from tests.integration.action_runner.receivers import OK, answering
from tests.integration.action_runner.stage import (
    RunnerProcess,
    RunnerStage,
    action,
    lane_of,
    running,
    token,
)
from tests.integration.action_runner.threaded_receiver import threaded_receiver
from tests.integration.action_runner.waiting import kinds, wait_for

CRM_ACTIONS: list[tuple[str, dict[str, object]]] = [
    ("create_task", {"subject": "Call {{ record.name }}", "due_in": "P1D"}),
    ("change_field", {"field": "amount", "value": 5}),
    ("move_stage", {"stage": "next"}),
    ("assign_owner", {"round_robin": ["u-2", "u-3"]}),
    ("send_notification", {"to": ["u-2"], "message": "Now {{ record.stage }}"}),
]
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def runner(stage: RunnerStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunnerProcess]:
    with running(stage, tmp_path_factory.mktemp("runner")) as process:
        yield process


def test_the_five_crm_actions_in_sequence_each_seeing_what_the_one_before_changed(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    steps = [action(kind, parameters, index=index) for index, (kind, parameters) in enumerate(CRM_ACTIONS)]
    run = token(tenant, 1, steps)
    with TestCrm(stage, tenant, answers=3) as crm:
        stage.start_run(run)
        stage.flush()
        wait_for(stage, tenant, 1)
        eventually(lambda: len(stage.late_results(tenant)) == 10, "two late results of each action")
    facts = stage.histories(tenant)[run.run_id]
    assert kinds(facts) == [RunWaiting, ActionSucceeded] * 5 + [RunSucceeded]
    assert [fact.seq for fact in facts] == list(range(2, 13))
    assert [command.type for command in crm.commands] == [kind for kind, _ in CRM_ACTIONS]
    assert set(crm.applied.values()) == {1}
    sent = [json.loads(command.parameters) for command in crm.commands]
    assert sent[0]["subject"] == "Call Lead 1"
    assert sent[1] == {"field": "amount", "value": 5}
    assert sent[2] == {"stage": "next"}
    assert sent[3]["owner"] in ("u-2", "u-3")
    assert sent[4] == {"to": ["u-2"], "message": "Now Qualified"}
    assert {late.why for late in stage.late_results(tenant)} == {"repeated"}


def test_a_rejected_change_ends_the_run_with_the_crms_reason(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    run = token(
        tenant, 1, [action("move_stage", {"stage": "Won"}), action("webhook", {"url": "http://x/"}, index=1)]
    )
    with TestCrm(stage, tenant, rejects=lambda _command: True):
        stage.start_run(run)
        stage.flush()
        wait_for(stage, tenant, 1)
    *_, failed, ended = stage.histories(tenant)[run.run_id]
    assert isinstance(failed, ActionFailed)
    assert (failed.error_type, failed.error_detail) == ("crm-rejected", "The stage is closed.")
    assert isinstance(ended, RunFailed)


def test_an_answer_after_its_deadline_moves_nothing(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    run = token(tenant, 1, [action("create_task", {"subject": "x"}, timeout_ms=1)])
    with TestCrm(stage, tenant):
        stage.start_run(run)
        stage.flush()
        eventually(lambda: len(stage.late_results(tenant)) == 1, "the late result")
    assert kinds(stage.histories(tenant)[run.run_id]) == [RunWaiting]
    assert stage.late_results(tenant)[0].why == "late"


def test_an_answer_that_brings_back_nothing_goes_to_dead_letters_and_the_next_one_counts(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    run = token(tenant, 1, [action("create_task", {"subject": "x"})])
    stage.publish(topics.CRM_COMMAND_RESULTS, lane_of(run), b"no answer at all")
    with TestCrm(stage, tenant):
        stage.start_run(run)
        stage.flush()
        wait_for(stage, tenant, 1)
    (buried,) = [record for record in stage.records(topics.DEAD_LETTERS) if record.key == lane_of(run)]
    assert buried.value == b"no answer at all"
    assert buried.header("source-topic") == b"crm.command-results"


def test_hold_announces_the_call_before_it_is_made(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    behave, requests = answering(OK)
    with threaded_receiver(behave) as port:
        step = action("webhook", {"url": f"http://127.0.0.1:{port}/"}, on_unknown="hold")
        run = token(tenant, 1, [step])
        stage.start_run(run)
        stage.flush()
        wait_for(stage, tenant, 1)
    assert kinds(stage.histories(tenant)[run.run_id]) == [ActionStarted, ActionSucceeded, RunSucceeded]
    assert len(requests) == 1


def test_a_run_canceled_while_it_waits_for_the_crm_stops_after_the_answer(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    behave, requests = answering(OK)
    with threaded_receiver(behave) as port:
        steps = [
            action("create_task", {"subject": "x"}),
            action("webhook", {"url": f"http://127.0.0.1:{port}/"}, index=1),
        ]
        run = token(tenant, 1, steps)
        stage.start_run(run)
        stage.flush()
        wait_for(stage, tenant, 1, (RunWaiting,))
        request = RunCancelRequested(
            tenant_id=tenant, run_id=run.run_id, requested_at_ms=1, requested_by="key:ops"
        )
        stage.publish(topics.RUNS_CONTROL, f"{tenant}/{run.run_id}".encode(), request)
        stage.flush()
        time.sleep(0.5)  # the view is refreshed five times a second
        with TestCrm(stage, tenant):
            wait_for(stage, tenant, 1)
    assert kinds(stage.histories(tenant)[run.run_id]) == [RunWaiting, ActionSucceeded, RunCanceled]
    assert requests == []


def test_a_long_wait_goes_through_a_delay_topic_with_its_reason(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    behave, _ = answering(UNAVAILABLE)
    with threaded_receiver(behave) as port:
        run = token(tenant, 1, [action("webhook", {"url": f"http://127.0.0.1:{port}/"})])
        stage.start_run(run)
        stage.flush()
        wait_for(stage, tenant, 1, (RunWaiting,))
    failed, waiting = stage.histories(tenant)[run.run_id]
    assert isinstance(failed, ActionFailed)
    assert isinstance(waiting, RunWaiting)
    (delayed,) = [
        codec.decode(record.value or b"", Delayed)
        for record in stage.records("delays.1m")
        if record.key == lane_of(run)
    ]
    assert delayed.topic == "actions.webhook"
    assert delayed.due_at_ms == waiting.deadline_ms == failed.retry_at_ms
    again = codec.decode(delayed.payload, ActionRequested)
    assert (again.attempt, again.seq) == (2, waiting.seq)


@pytest.mark.parametrize(
    "changes",
    [
        {"actions": ()},
        {"event": b"no event"},
        {"actions": (msgspec.structs.replace(action("webhook", {}), type="teleport"),)},
        {"actions": (msgspec.structs.replace(action("webhook", {}), parameters=b"[1]"),)},
    ],
)
def test_a_token_that_reads_but_can_not_be_executed_ends_its_run_in_dead_letters(
    stage: RunnerStage, tenant: str, runner: RunnerProcess, changes: dict[str, object]
) -> None:
    broken = msgspec.structs.replace(token(tenant, 1, [action("webhook", {})]), **changes)
    stage.publish("actions.webhook", lane_of(broken), broken)
    stage.flush()
    wait_for(stage, tenant, 1)
    (failed,) = stage.histories(tenant)[broken.run_id]
    assert isinstance(failed, RunFailed)
    (buried,) = [record for record in stage.records(topics.DEAD_LETTERS) if record.key == lane_of(broken)]
    assert failed.dead_letter == (
        f"actions.webhook-{buried.header('source-partition').decode()}@{buried.header('source-offset').decode()}"  # type: ignore[union-attr]
    )
    assert buried.value == codec.encode(broken)


def test_parameters_that_can_not_be_sent_are_a_failure_of_the_action_not_of_the_token(
    stage: RunnerStage, tenant: str, runner: RunnerProcess
) -> None:
    steps = [
        action("webhook", {"url": "http://169.254.169.254/latest"}, on_failure="continue"),
        action("send_email", {"to": ["nobody"], "subject": "x", "text": "x"}, index=1, on_failure="continue"),
        action("webhook", {"url": "http://127.0.0.1/", "secret": "absent"}, index=2),
    ]
    run = token(tenant, 1, steps)
    stage.start_run(run)
    stage.flush()
    wait_for(stage, tenant, 1)
    facts = stage.histories(tenant)[run.run_id]
    errors = [fact.error_type for fact in facts if isinstance(fact, ActionFailed)]
    assert errors == ["address-refused", "parameters", "secret-missing"]
    assert isinstance(facts[-1], RunFailed)
    assert facts[-1].error_type == "address-refused"
