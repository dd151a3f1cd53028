"""What a runner finds when it starts: holds, cancels, turns, and what others left behind."""

import json
import time
from pathlib import Path

import pytest

from signalbox_contracts import topics
from signalbox_contracts.messages import (
    ActionStarted,
    ActionSucceeded,
    CrmCatalog,
    RunCanceled,
    RunCancelRequested,
    RunSucceeded,
    RunWaiting,
    WorkflowRunsCanceled,
)
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


def test_round_robin_goes_on_where_the_runner_before_left_off(
    stage: RunnerStage, tenant: str, tmp_path: Path
) -> None:
    owners = ["u-1", "u-2", "u-3"]
    step = action("assign_owner", {"round_robin": owners})
    with TestCrm(stage, tenant) as crm:
        for first in (0, 4, 8):
            with running(stage, tmp_path):
                for number in range(first, first + 4):
                    stage.start_run(token(tenant, number, [step]))
                    stage.flush()
                    wait_for(stage, tenant, number + 1)
    given = [json.loads(command.parameters)["owner"] for command in crm.commands]
    assert given == owners * 4


def test_a_held_call_of_a_killed_runner_waits_for_a_person_and_is_not_repeated(
    stage: RunnerStage, tenant: str, tmp_path: Path
) -> None:
    behave, requests = answering(OK)
    with threaded_receiver(behave) as port:
        step = action("webhook", {"url": f"http://127.0.0.1:{port}/"}, on_unknown="hold")
        run = token(tenant, 1, [step])
        stage.start_run(run)
        stage.flush()
        killed = RunnerProcess(stage, tmp_path, SIGNALBOX_FAULT="runner.after_call:kill:1")
        killed.process.wait(60)
        with running(stage, tmp_path):
            wait_for(stage, tenant, 1, (RunWaiting,))
            facts = stage.histories(tenant)[run.run_id]
            assert kinds(facts) == [ActionStarted, RunWaiting]
            waiting = facts[-1]
            assert isinstance(waiting, RunWaiting)
            assert waiting.waiting_for == "person"
            assert len(requests) == 1
            # A person says "resend": what the ledger sends on is the token in the fact.
            assert waiting.token is not None
            stage.publish(topics.action_topic("webhook"), lane_of(run), waiting.token)
            stage.flush()
            wait_for(stage, tenant, 1)
    facts = stage.histories(tenant)[run.run_id]
    assert kinds(facts) == [ActionStarted, RunWaiting, ActionStarted, ActionSucceeded, RunSucceeded]
    assert len(requests) == 2
    keys = {line for request in requests for line in request.split(b"\r\n") if line.startswith(b"webhook-id")}
    assert len(keys) == 1


@pytest.mark.parametrize("whole_workflow", [False, True])
def test_a_canceled_run_makes_no_further_call(
    stage: RunnerStage, tenant: str, tmp_path: Path, whole_workflow: bool
) -> None:
    behave, requests = answering(OK)
    with threaded_receiver(behave) as port:
        step = action("webhook", {"url": f"http://127.0.0.1:{port}/"})
        canceled, other = token(tenant, 1, [step]), token(tenant, 2, [step], workflow_id="wf-2")
        now_ms = time.time_ns() // 1_000_000
        request = (
            WorkflowRunsCanceled(
                tenant_id=tenant, workflow_id="wf-1", before_ms=now_ms + 1, requested_by="key:ops"
            )
            if whole_workflow
            else RunCancelRequested(
                tenant_id=tenant, run_id=canceled.run_id, requested_at_ms=now_ms, requested_by="key:ops"
            )
        )
        stage.publish(topics.RUNS_CONTROL, f"{tenant}/{canceled.run_id}".encode(), request)
        stage.flush()
        for run in (canceled, other):
            stage.start_run(run)
        stage.flush()
        with running(stage, tmp_path):
            wait_for(stage, tenant, 2)
    (fact,) = stage.histories(tenant)[canceled.run_id]
    assert isinstance(fact, RunCanceled)
    assert (fact.requested_by, fact.action_id) == ("key:ops", "webhook-0")
    assert kinds(stage.histories(tenant)[other.run_id]) == [ActionSucceeded, RunSucceeded]
    assert len(requests) == 1


def test_a_user_id_becomes_the_address_of_the_catalog(
    stage: RunnerStage, tenant: str, tmp_path: Path
) -> None:
    users = b'[{"id":"u-1","name":"Ada Byron","email":"ada@crm.example"}]'
    catalog = CrmCatalog(tenant_id=tenant, kind="users", content=users, published_at_ms=1)
    stage.publish(topics.CRM_CATALOG, f"{tenant}/users".encode(), catalog)
    behave, requests = answering(OK)
    with threaded_receiver(behave) as port:
        step = action("webhook", {"url": f"http://127.0.0.1:{port}/", "raw": "{{ owner.email }}"})
        run = token(tenant, 1, [step], record={"owner": "u-1"})
        stage.start_run(run)
        stage.flush()
        with running(stage, tmp_path):
            wait_for(stage, tenant, 1)
    assert requests[0].endswith(b"\r\n\r\nada@crm.example")
