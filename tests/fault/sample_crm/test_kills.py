"""Killed at each of its points, the CRM still makes each change once and answers every command."""

from pathlib import Path

import msgspec
import pytest

from signalbox_contracts import topics
from signalbox_contracts.messages import CrmEvent
from tests.declared_topics import apply_topics
from tests.integration.sample_crm.crm import Commander, CrmProcess, Tap, command

COMMANDS = 20
POINTS = (
    "crm.before_apply",
    "crm.before_answer",
    "crm.after_apply",
    "transform.before_commit",
    "transform.after_commit",
    "relay.before_send",
    "relay.before_commit",
    "relay.after_commit",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_each_point_every_change_is_made_once_and_every_command_answered(
    kafka_bootstrap: str, database_url: str, tmp_path: Path
) -> None:
    apply_topics(kafka_bootstrap)
    crm = CrmProcess(kafka_bootstrap, database_url, tmp_path)
    crm.start()
    crm.await_ready()
    crm.call("PUT", "/behaviour", {"answers": 2})
    commander = Commander(kafka_bootstrap)
    tap = Tap(kafka_bootstrap, topics.CRM_TOPICS)
    leads = [str(crm.call("POST", "/leads", {"name": point})["id"]) for point in POINTS]
    assert crm.stop() == 0
    for point, lead in zip(POINTS, leads, strict=True):
        for number in range(COMMANDS):
            commander.send(
                command("create_task", {"subject": f"{number}"}, lead, command_id=f"{lead}-t{number}"),
                command(
                    "change_field", {"field": "score", "value": number}, lead, command_id=f"{lead}-f{number}"
                ),
            )
        crm.start(SIGNALBOX_FAULT=f"{point}:kill:1")
        assert crm.await_end() == -9, f"{point} was not passed"
    crm.start()
    crm.await_ready()

    for lead in leads:
        for kind in "tf":
            answers = [commander.answers_to(f"{lead}-{kind}{number}", 2) for number in range(COMMANDS)]
            assert {each.outcome for found in answers for each in found} == {"applied"}
            # A command that came again after a crash was answered again, with what was recorded.
            assert all(each == found[0] for found in answers for each in found)
        tasks = crm.call("GET", "/tasks", related_id=lead, limit=500)["items"]
        assert sorted(int(task["subject"]) for task in tasks) == list(range(COMMANDS))
        assert crm.call("GET", f"/leads/{lead}")["version"] == 1 + COMMANDS
    count = len(POINTS) * (1 + 2 * COMMANDS)
    events: list[CrmEvent] = tap.contents(CrmEvent, count)
    assert (len(events), len({event.event_id for event in events})) == (count, count)
    for lead in leads:
        versions = [
            msgspec.json.decode(event.record)["version"] for event in events if event.record_id == lead
        ]
        assert versions == list(range(1, 2 + COMMANDS))
    assert crm.stop() == 0
    crm.http.close()
    tap.close()
    commander.answers.close()
