"""The services that a Retry passes through, as real processes, and failed runs for it."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

import run_ledger
import workflow_api
from signalbox_contracts import codec, ids, topics
from signalbox_contracts.definitions import document as definitions
from signalbox_contracts.messages import (
    Candidate,
    CrmEvent,
    EventJudged,
    Judgement,
    RunsRequested,
    WorkflowState,
    WorkflowVersion,
)
from signalbox_embedded.ports import free_ports
from signalbox_runtime.database import migrate
from signalbox_runtime.http.auth import key_hash
from tests.integration.action_runner.stage import RunnerStage

TENANT = "demo"
KEY = "an-operator"
MODULES = ("run_ledger", "condition_evaluator", "action_runner")
T = TypeVar("T")


class Services:
    """One process of each service, restarted as a supervisor would, with faults where a test wants them."""

    def __init__(self, stage: RunnerStage, database_url: str, folder: Path) -> None:
        make_access(database_url)
        self.port = free_ports(1)[0]
        self._folder = folder
        self._environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": str(stage.options["bootstrap.servers"]),
            "SIGNALBOX_DATABASE_URL": database_url,
            "SIGNALBOX_WEBHOOK_ALLOW_HOSTS": "127.0.0.1",
            "RUN_LEDGER_HTTP_PORT": str(self.port),
            **{f"{module.upper()}_STATIC_MEMBERSHIP": "true" for module in MODULES},
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, module: str, fault: str = "") -> None:
        """Starts one, with a fault if named."""
        with (self._folder / f"{module}.log").open("ab") as log:
            self._processes[module] = subprocess.Popen(
                (sys.executable, "-m", module),
                env={**self._environment, "SIGNALBOX_FAULT": fault},
                stdout=log,
                stderr=log,
            )

    def stop(self, module: str) -> None:
        """Stops one cleanly."""
        self._processes[module].terminate()
        assert self._processes[module].wait(40) == 0, self.tail(module)

    def end_code(self, module: str) -> int | None:
        """How one ended; None while it runs."""
        return self._processes[module].poll()

    def close(self) -> None:
        """Ends whatever runs."""
        for process in self._processes.values():
            process.kill()
            process.wait()

    def tail(self, module: str) -> str:
        """The end of its log."""
        return (self._folder / f"{module}.log").read_text(errors="replace")[-4_000:]

    def call(self, method: str, path: str) -> httpx.Response | None:
        """The ledger's answer; None where it is not there, or died before it answered."""
        try:
            return httpx.request(
                method,
                f"http://127.0.0.1:{self.port}{path}",
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=20,
            )
        except httpx.TransportError:
            return None

    def run(self, run_id: str) -> dict[str, Any]:
        """The run as the ledger shows it; empty while it shows none."""
        answer = self.call("GET", f"/v1/runs/{run_id}")
        return answer.json() if answer is not None and answer.status_code == 200 else {}


def make_access(database_url: str) -> None:
    """The schemas, and one operator's key."""
    for package, schemas in ((workflow_api, ("workflows", "access")), (run_ledger, ("ledger", "history"))):
        migrate(database_url, schemas, Path(package.__path__[0]) / "migrations")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO access.tenants VALUES (%s, now())", (TENANT,))
        connection.execute(
            """INSERT INTO access.api_keys
                (tenant_id, name, role, key_hash, requests_per_minute, created_at, created_by)
            VALUES (%s, 'test', 'operator', %s, 1000000, now(), 'test')""",
            (TENANT, key_hash(KEY)),
        )


def publish_workflow(stage: RunnerStage, workflow_id: str, url: str) -> None:
    """An active workflow of one webhook that is tried once."""
    now_ms = time.time_ns() // 1_000_000
    hook = {"method": "POST", "url": url, "body": {"lead": "{{ record.id }}"}}
    document = {
        "name": workflow_id,
        "trigger": {"module": "leads", "event": "created"},
        "actions": [{"id": "hook", "type": "webhook", "with": hook, "retry": {"attempts": 1}}],
    }
    version = WorkflowVersion(
        tenant_id=TENANT,
        workflow_id=workflow_id,
        version=1,
        definition=definitions.to_bytes(definitions.parse_definition(document)),
        published_at_ms=now_ms,
        published_by="test",
    )
    state = WorkflowState(
        tenant_id=TENANT,
        workflow_id=workflow_id,
        name=workflow_id,
        status="active",
        version=1,
        changed_at_ms=now_ms,
        changed_by="test",
    )
    stage.publish(topics.DEFINITIONS, f"{TENANT}/{workflow_id}@1".encode(), version)
    stage.publish(topics.DEFINITIONS, f"{TENANT}/{workflow_id}".encode(), state)


def request_run(stage: RunnerStage, workflow_id: str) -> str:
    """Asks for a run of the workflow, as the router does; its id."""
    now_ms = time.time_ns() // 1_000_000
    event = CrmEvent(
        tenant_id=TENANT,
        event_id=f"evt-{workflow_id}",
        module="leads",
        event="created",
        record_id=f"lead-{workflow_id}",
        occurred_at_ms=now_ms,
        record=b'{"id":"lead-42","name":"Ada"}',
        previous=b"null",
    )
    run_id = ids.run_id(now_ms, TENANT, event.event_id, workflow_id)
    requested = RunsRequested(
        tenant_id=TENANT,
        event=codec.encode(event),
        appended_at_ms=now_ms,
        candidates=(Candidate(workflow_id=workflow_id, version=1, run_id=run_id),),
    )
    stage.publish(topics.RUNS_REQUESTED, ids.lane(TENANT, "leads", event.record_id), requested)
    return run_id


def judgements(stage: RunnerStage, workflow_id: str) -> list[Judgement]:
    """Every time that a run of the workflow was judged."""
    facts = (codec.decode_any(record.value or b"") for record in stage.records(topics.RUNS_JOURNAL))
    return [
        judgement
        for fact in facts
        if isinstance(fact, EventJudged)
        for judgement in fact.judgements
        if judgement.workflow_id == workflow_id
    ]
