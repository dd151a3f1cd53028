"""Five clicks on Retry, and SIGKILL at each step that the Retry takes, come to one execution.

Steps: the ledger's transaction, its relay, the evaluator, the runner, and the ledger's projection of what
came of it. Each is killed at its points, one after the other, while five people click; then they click again.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from signalbox_contracts.messages import RunSucceeded
from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import Receiver
from tests.fault.run_ledger.services import (
    MODULES,
    TENANT,
    Services,
    judgements,
    publish_workflow,
    request_run,
)
from tests.integration.action_runner.stage import RunnerStage

CLICKS = 5
STEPS = (
    ("run_ledger", "api.after_database_commit"),
    ("run_ledger", "relay.before_send"),
    ("run_ledger", "relay.before_commit"),
    ("run_ledger", "relay.after_commit"),
    ("condition_evaluator", "transform.before_produce"),
    ("condition_evaluator", "transform.before_commit"),
    ("condition_evaluator", "transform.after_commit"),
    ("action_runner", "runner.before_call"),
    ("action_runner", "runner.after_call"),
    ("action_runner", "lanes.before_commit"),
    ("action_runner", "lanes.after_commit"),
    ("run_ledger", "ledger.before_commit"),
    ("run_ledger", "ledger.after_commit"),
)
REPEATED_CALL = ("runner.after_call", "lanes.before_commit")
"""Killed between a call and the commit of its receipt, the call is made again, with the same key."""


@pytest.fixture
def stage(kafka_bootstrap: str) -> RunnerStage:
    return RunnerStage(kafka_bootstrap)


@pytest.fixture
def services(stage: RunnerStage, database_url: str, tmp_path: Path) -> Iterator[Services]:
    found = Services(stage, database_url, tmp_path)
    yield found
    found.close()


def clicks(services: Services, run_id: str) -> set[str]:
    """The runs that five people are told of who click at once; whoever gets no answer is not among them."""
    with ThreadPoolExecutor(CLICKS) as people:
        answers = list(people.map(lambda _: services.call("POST", f"/v1/runs/{run_id}/retry"), range(CLICKS)))
    told = [answer for answer in answers if answer is not None]
    assert {answer.status_code for answer in told} <= {202}, [answer.text for answer in told]
    return {answer.json()["id"] for answer in told}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_retry_killed_at_each_step_is_executed_once(stage: RunnerStage, services: Services) -> None:
    with Receiver() as receiver:
        workflows = {step: f"wf-{step[1].replace('.', '-').replace('_', '-')}" for step in STEPS}
        for workflow_id in workflows.values():
            publish_workflow(stage, workflow_id, f"{receiver.url}/{workflow_id}")
        receiver.status = 500
        failed = {step: request_run(stage, workflow_id) for step, workflow_id in workflows.items()}
        stage.flush()
        for module in MODULES:
            services.start(module)
        for step, run_id in failed.items():
            eventually(lambda: services.run(run_id).get("status") == "failed", f"{step}'s run to fail")  # noqa: B023
        receiver.status = 200
        receiver.received.clear()

        for (module, point), run_id in failed.items():
            services.stop(module)
            services.start(module, f"{point}:kill:1")
            eventually(lambda: services.run(run_id), "the ledger to answer")  # noqa: B023
            told = clicks(services, run_id)
            eventually(lambda: services.end_code(module) is not None, f"{point} to be passed")  # noqa: B023
            assert services.end_code(module) == -9, services.tail(module)
            services.start(module)
            eventually(lambda: services.run(run_id), "the ledger to answer again")  # noqa: B023
            told |= clicks(services, run_id)
            assert len(told) == 1, f"{point}: {told}"
            new = told.pop()
            eventually(lambda: services.run(new).get("status") == "success", f"{point}'s retry to succeed")  # noqa: B023
            assert services.run(run_id)["retried_by"] == new
            assert services.run(new)["retry_of"] == run_id

    histories = stage.histories(TENANT)
    for step, run_id in failed.items():
        workflow_id = workflows[step]
        retries = [each.run_id for each in judgements(stage, workflow_id) if each.retry_of == run_id]
        assert len(retries) == 1, f"{step}: judged {len(retries)} times"
        facts = histories[retries[0]]
        assert [fact.seq for fact in facts] == [2, 3], step
        assert isinstance(facts[-1], RunSucceeded), step
        calls = [call for call in receiver.received if call["path"] == f"/{workflow_id}"]
        assert 1 <= len(calls) <= (2 if step[1] in REPEATED_CALL else 1), f"{step}: {len(calls)} calls"
        assert len({call["headers"]["Idempotency-Key"] for call in calls}) == 1, step
