"""Five CRM actions a run; the CRM or the runner dies again and again at one point; answers come twice, some
too late. Every run ends, every change is made once and in order, and no run ever has two tokens.

SIGNALBOX_FAULT_KILLS says how often each point kills at least.
"""

import os
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from confluent_kafka import Consumer, TopicPartition

from signalbox_contracts import codec, topics
from signalbox_contracts.messages import (
    ActionRequested,
    ActionSucceeded,
    CrmCommand,
    CrmCommandResult,
    EventJudged,
    RunFact,
)
from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import System

T = TypeVar("T")
KILLS = int(os.environ.get("SIGNALBOX_FAULT_KILLS", "3"))
LEADS_AT_ONCE = 5
SECONDS = 240
POINTS = {
    "crm.before_apply:kill:6": "sample-crm",
    "crm.before_answer:kill:6": "sample-crm",
    "crm.after_apply:kill:6": "sample-crm",
    "lanes.before_commit:kill:12": "action-runner",
    "lanes.after_commit:kill:12": "action-runner",
}
"""Where it dies and at which pass, and whose processes die: each restarted one dies there again."""
ACTIONS = (
    ("create_task", {"subject": "Call {{ record.name }}", "due_in": "P1D"}),
    ("change_field", {"field": "score", "value": 7}),
    ("move_stage", {"stage": "next"}),
    ("assign_owner", {"owner": "u-2"}),
    ("send_notification", {"to": ["u-3"], "message": "{{ record.id }} has {{ record.owner }}"}),
)
BEHAVIOUR = {"answers": 2, "delay_every": 15, "delay_ms": 6_000}
TIMEOUT = "PT4S"
"""Shorter than the delay: those answers are late, and the command has to be sent again."""


@pytest.fixture(params=POINTS, ids=str)
def point(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def dying(point: str, tmp_path: Path) -> Iterator[System]:
    with System(tmp_path / "data", environment={"SIGNALBOX_FAULT": point}) as system:
        yield system


def insistently(call: Callable[[], httpx.Response], what: str) -> Any:
    """The answer to a call that is made again while its service is away."""

    def ask() -> Any:
        try:
            answer = call()
        except httpx.TransportError:
            return None
        # 409: an earlier try, whose answer was lost, made the record.
        return answer.json() if answer.is_success or answer.status_code == 409 else None

    return eventually(ask, what, SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_every_change_is_made_once_whoever_dies_where(dying: System, point: str) -> None:
    system, mark = dying, f"mark-{uuid.uuid4().hex[:8]}"
    actions = [
        {"type": kind, "id": kind.replace("_", "-"), "with": parameters, "timeout": TIMEOUT}
        for kind, parameters in ACTIONS
    ]
    workflow = system.create_workflow(
        {
            "name": mark,
            "trigger": {"module": "leads", "event": "created"},
            "conditions": {"field": "company", "op": "equals", "value": mark},
            "actions": actions,
        }
    )
    insistently(lambda: system.crm.put("/behaviour", json=BEHAVIOUR), "the CRM to misbehave")
    leads: list[str] = []
    lives: set[int] = set()
    while len(lives) <= KILLS:
        for _ in range(LEADS_AT_ONCE):
            leads.append(f"{mark}-{len(leads)}")
            body = {"id": leads[-1], "name": leads[-1], "company": mark, "owner": "u-1"}
            insistently(lambda body=body: system.crm.post("/leads", json=body), "the lead")  # type: ignore[misc]
        time.sleep(0.5)
        lives.update(system.endpoints["pids"][POINTS[point]])

    def all_ended() -> list[dict[str, Any]] | None:
        lives.update(system.endpoints["pids"][POINTS[point]])
        runs = system.runs(workflow_id=workflow)
        ended = [run for run in runs if run["status"] in {"success", "failed"}]
        time.sleep(0.5)
        return ended if len(ended) == len(leads) else None

    ended = eventually(all_ended, f"{len(leads)} runs to end", SECONDS)
    assert Counter(run["status"] for run in ended) == {"success": len(leads)}
    assert Counter(run["record_id"] for run in ended) == Counter(leads)
    check_the_crm(system, leads)
    late = check_the_journal(system, {run["id"] for run in ended})
    print(f"{point}: {len(lives) - 1} deaths, {len(leads)} runs, {late} answers late or repeated")


def check_the_crm(system: System, leads: list[str]) -> None:
    told = Counter(note["record_id"] for note in listed(system, "/notifications", user="u-3"))
    tasks = Counter(task["related_id"] for task in listed(system, "/tasks"))
    for lead in leads:
        record = insistently(lambda lead=lead: system.crm.get(f"/leads/{lead}"), "the lead")  # type: ignore[misc]
        assert (record["score"], record["stage"], record["owner"]) == (7, "Contacted", "u-2")
        assert (record["version"], tasks[lead], told[lead]) == (4, 1, 1), lead


def listed(system: System, path: str, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"limit": 500, **parameters, **cursor}
        page = insistently(lambda query=query: system.crm.get(path, params=query), path)  # type: ignore[misc]
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def check_the_journal(system: System, runs: set[str]) -> int:
    """One fact per run and seq, and the actions in their order; how many answers moved nothing."""
    by_seq: dict[tuple[str, int], set[bytes]] = defaultdict(set)
    order: dict[str, dict[int, int]] = defaultdict(dict)
    late = 0
    for _, value in system.read_all(topics.RUNS_JOURNAL):
        fact = codec.decode_any(value)
        if isinstance(fact, EventJudged):
            for judgement in fact.judgements:
                by_seq[judgement.run_id, 1].add(value)
        elif isinstance(fact, RunFact):
            by_seq[fact.run_id, fact.seq].add(value)
            if isinstance(fact, ActionSucceeded):
                order[fact.run_id][fact.seq] = fact.index
        else:
            late += 1
    twice = sorted(place for place, facts in by_seq.items() if len(facts) > 1)
    assert not twice, (
        f"{len(twice)} places with two facts; the first run's story:\n{story(system, twice[0][0])}"
    )
    for run in runs:
        assert [index for _, index in sorted(order[run].items())] == list(range(len(ACTIONS)))
    return late


def story(system: System, run_id: str) -> str:
    """Everything Kafka holds of one run, by append time, for whoever has to understand a failure."""
    consumer = Consumer({"bootstrap.servers": system.endpoints["kafka"], "group.id": "story"})
    names = (topics.RUNS_JOURNAL, topics.CRM_COMMANDS, topics.CRM_COMMAND_RESULTS)
    known = consumer.list_topics().topics
    consumer.assign([TopicPartition(name, number, 0) for name in names for number in known[name].partitions])
    lines: list[tuple[int, str]] = []
    while (message := consumer.poll(5)) is not None:
        content = codec.decode_any(message.value() or b"")
        what = [str(message.topic()), str(message.offset()), type(content).__name__]
        if isinstance(content, CrmCommand | CrmCommandResult):
            token = codec.decode(content.reply_context, ActionRequested)
            assert token.command is not None
            mine = token.run_id
            what += [f"seq={token.seq} deadline={token.command.deadline_ms}", content.command_id[:8]]
        else:
            mine = getattr(content, "run_id", "")
            what += [
                f"{name}={getattr(content, name, '')}" for name in ("seq", "at_ms", "index", "deadline_ms")
            ]
        if mine == run_id:
            lines.append((message.timestamp()[1], " ".join(what)))
    consumer.close()
    return "\n".join(f"{at} {line}" for at, line in sorted(lines))
