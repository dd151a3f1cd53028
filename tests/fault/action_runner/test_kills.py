"""Runners are killed at every named point while they take partitions from each other, and nothing is lost.

Two runners share the topics. One is killed by SIGKILL at the point, some passes after its start; the other is
stopped and started meanwhile, so that partitions move. The CRM answers everything twice. The seed is printed;
SIGNALBOX_FAULT_SEED repeats a run, SIGNALBOX_FAULT_KILLS says how often each point kills.
"""

import asyncio
import os
import random
import threading
import time
from pathlib import Path

import pytest

from signalbox_contracts.messages import ActionRequested
from signalbox_runtime.testing.waiting import PATIENCE_SECONDS, eventually
from tests.fault.action_runner import journal
from tests.fault.action_runner.journal import Call
from tests.integration.action_runner.crm import TestCrm
from tests.integration.action_runner.receivers import OK, read_request
from tests.integration.action_runner.stage import RunnerProcess, RunnerStage, action, token
from tests.integration.action_runner.threaded_receiver import threaded_receiver

POINTS = (
    "runner.before_call",
    "runner.in_call",
    "runner.after_call",
    "lanes.before_commit",
    "lanes.after_commit",
)
KILLS = int(os.environ.get("SIGNALBOX_FAULT_KILLS", "2"))
RUNS_PER_KILL = 150
RECORDS = 60
PASSES_MAX = 60
UNCOMMITTED_MAX = 100
"""As many calls a crash may repeat (LaneLimits.uncommitted_max), and as many may begin beside them."""


class Calls:
    """What the receiver saw, in order."""

    def __init__(self) -> None:
        self.made: list[Call] = []

    async def behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _, body = (await read_request(reader)).partition(b"\r\n\r\n")
            key = next(line for line in head.split(b"\r\n") if line.startswith(b"webhook-id: "))[12:]
            self.made.append(Call(key.decode(), body.decode()))
            await asyncio.sleep(0.005)
            writer.write(OK)


class Restless:
    """A second runner that comes and goes until it is told to stay."""

    def __init__(self, runner: RunnerProcess, chance: random.Random) -> None:
        self._runner = runner
        self._chance = chance
        self._stay = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stay(self) -> None:
        """It runs from now on."""
        self._stay.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stay.wait(self._chance.uniform(1.0, 4.0)):
            self._runner.stop()
            self._runner.start()


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, stage: RunnerStage, tenant: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("SIGNALBOX_FAULT_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    print(f"\n{point}: SIGNALBOX_FAULT_SEED={seed} SIGNALBOX_FAULT_KILLS={KILLS}")
    calls = Calls()
    runs: list[ActionRequested] = []
    with threaded_receiver(calls.behave) as port, TestCrm(stage, tenant, answers=2) as crm:
        second = RunnerProcess(stage, tmp_path, slot=1)
        first = RunnerProcess(stage, tmp_path, slot=0, SIGNALBOX_FAULT="")
        restless = Restless(second, chance)
        first.stop()
        try:
            for _ in range(KILLS):
                runs += start_runs(stage, tenant, port, len(runs))
                first.start(SIGNALBOX_FAULT=f"{point}:kill:{chance.randint(1, PASSES_MAX)}")
                wait_for_its_end(stage, tenant, port, first, runs)
            restless.stay()
            first.start()
            expected = {run.run_id for run in runs}
            eventually(lambda: ended(stage, tenant) >= expected, f"{len(expected)} runs to end")
        finally:
            restless.stay()
            for runner in (first, second):
                runner.kill()
    journal.check_histories(stage, tenant, runs)
    journal.check_order(stage, tenant, journal.webhook_topic(), calls.made)
    journal.check_sequence(runs, calls.made)
    hooks = {
        key
        for run in runs
        for key, step in zip(journal.keys_of(run), run.actions, strict=True)
        if step.type == "webhook"
    }
    assert {call.key for call in calls.made} == hooks, "a call with a key that no action has"
    assert set(crm.applied.values()) == {1}
    assert len(crm.applied) == len(runs)
    repeated = journal.duplicates(calls.made)
    print(
        f"{point}: {KILLS} kills, {len(runs)} runs, {len(hooks)} effects, {len(calls.made)} calls, "
        f"{repeated} repeated with the same key: {repeated / len(hooks):.2%}, {repeated / KILLS:.1f} per kill"
    )
    assert repeated <= KILLS * 2 * UNCOMMITTED_MAX


def start_runs(stage: RunnerStage, tenant: str, port: int, first: int) -> list[ActionRequested]:
    """Runs of a webhook, a CRM change, and a webhook; several per record."""
    url = f"http://127.0.0.1:{port}/"
    hook = {"url": url, "raw": "{{ event.record_id }}"}
    runs = []
    for number in range(first, first + RUNS_PER_KILL):
        steps = [
            action("webhook", hook, attempts=50),
            action("change_field", {"field": "priority", "value": "High"}, index=1, timeout_ms=3_600_000),
            action("webhook", hook, index=2, attempts=50),
        ]
        runs.append(token(tenant, number, steps, record_id=f"lead-{number % RECORDS}"))
        stage.start_run(runs[-1])
    stage.flush()
    return runs


def wait_for_its_end(
    stage: RunnerStage, tenant: str, port: int, runner: RunnerProcess, runs: list[ActionRequested]
) -> None:
    """Until the runner was killed by its fault; work is added if there is none left to be killed at."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while runner.process.poll() is None:
        assert time.monotonic() < deadline, f"the runner was not killed:\n{runner.tail()}"
        if ended(stage, tenant) >= {run.run_id for run in runs}:
            runs += start_runs(stage, tenant, port, len(runs))
        time.sleep(0.2)
    assert runner.process.returncode == -9, f"it ended by itself:\n{runner.tail()}"


def ended(stage: RunnerStage, tenant: str) -> set[str]:
    """Runs that are over."""
    return {run for run, facts in stage.histories(tenant).items() if isinstance(facts[-1], journal.ENDS)}
