"""Commands over Kafka: each applied once, answered with what came, its cause on every event."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from signalbox_contracts import codec, topics
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCommandResult, CrmEvent
from signalbox_runtime.testing.waiting import eventually
from tests.integration.sample_crm.crm import Commander, CrmProcess, Tap, command


@pytest.fixture
def tap(crm: CrmProcess, kafka_bootstrap: str) -> Iterator[Tap]:
    tap = Tap(kafka_bootstrap, [*topics.CRM_TOPICS, topics.DEAD_LETTERS])
    yield tap
    tap.close()


@pytest.fixture
def behaving(crm: CrmProcess) -> Iterator[None]:
    yield
    crm.call("PUT", "/behaviour", {})


def make_lead(crm: CrmProcess, **fields: Any) -> str:
    return str(crm.call("POST", "/leads", {"name": "Ada", "owner": "u-1", **fields})["id"])


@pytest.mark.parametrize(
    ("kind", "parameters", "event", "becomes"),
    [
        ("change_field", {"field": "amount", "value": 80000.5}, "updated", {"amount": 80000.5}),
        ("move_stage", {"stage": "next"}, "stage_changed", {"stage": "Contacted"}),
        ("assign_owner", {"owner": "u-2"}, "updated", {"owner": "u-2"}),
    ],
)
def test_a_command_changes_its_record_and_says_so(
    crm: CrmProcess,
    commander: Commander,
    tap: Tap,
    kind: str,
    parameters: dict[str, Any],
    event: str,
    becomes: dict[str, Any],
) -> None:
    lead = make_lead(crm)
    sent = command(kind, parameters, lead, chain=("wf-0",), depth=1)
    commander.send(sent)

    (answer,) = commander.answers_to(sent.command_id)
    assert (answer.outcome, answer.reason) == ("applied", None)
    assert answer.reply_context == sent.reply_context
    assert answer.record_version == 2
    record = crm.call("GET", f"/leads/{lead}")
    assert becomes.items() <= record.items()
    assert msgspec.json.decode(answer.record or b"") == record
    created, changed = tap.contents(CrmEvent, 2)
    assert (created.event, changed.event) == ("created", event)
    assert (changed.chain, changed.depth, changed.origin) == (("wf-0", "wf-1"), 2, "workflow")
    assert msgspec.json.decode(changed.record) == record
    message = next(m for m in commander.answers.seen if sent.command_id.encode() in (m.value() or b""))
    assert message.key() == lane("demo", "leads", lead)


def test_a_task_is_created_with_its_own_event_and_a_notification_without(
    crm: CrmProcess, commander: Commander, tap: Tap
) -> None:
    lead = make_lead(crm)
    commander.send(
        command("create_task", {"subject": "Call", "due_at": "2026-11-24T10:00:00Z"}, lead),
        command("send_notification", {"to": ["u-2", "u-3"], "message": f"About {lead}"}, lead),
    )

    (made,) = commander.answers_to(f"cmd-create_task-{lead}")
    (told,) = commander.answers_to(f"cmd-send_notification-{lead}")
    task = crm.call("GET", f"/tasks/{msgspec.json.decode(made.receipt)['task_id']}")
    assert (task["related_id"], task["assignee"]) == (lead, "u-1")
    assert [task] == crm.call("GET", "/tasks", related_id=lead)["items"]
    inbox = [
        each for each in crm.call("GET", "/notifications", user="u-2")["items"] if each["record_id"] == lead
    ]
    assert [each["message"] for each in inbox] == [f"About {lead}"]
    assert inbox[0]["id"] in msgspec.json.decode(told.receipt)["notification_ids"]
    assert crm.call("POST", f"/notifications/{inbox[0]['id']}/read")["read_at"]
    found = tap.contents(CrmEvent, 2)
    assert [(event.module, event.event) for event in found] == [("leads", "created"), ("tasks", "created")]
    assert found[1].chain == ("wf-1",)


def test_a_repeated_command_has_one_effect_and_the_same_answer(
    crm: CrmProcess, commander: Commander, tap: Tap
) -> None:
    lead = make_lead(crm)
    first = command("create_task", {"subject": "Once"}, lead)
    again = msgspec.structs.replace(first, parameters=b'{"subject": "Twice"}', reply_context=b"newer")
    commander.send(first, first)
    commander.answers_to(first.command_id, 2)
    commander.send(again)

    one, two, three = commander.answers_to(first.command_id, 3)
    assert one == two
    assert three == msgspec.structs.replace(one, reply_context=b"newer")
    assert [task["subject"] for task in crm.call("GET", "/tasks", related_id=lead)["items"]] == ["Once"]
    assert len(tap.contents(CrmEvent, 2)) == 2


def test_a_rejection_is_remembered_too(crm: CrmProcess, commander: Commander) -> None:
    lead = make_lead(crm)
    bad = command("assign_owner", {"owner": "u-9"}, lead)
    commander.send(bad, msgspec.structs.replace(bad, parameters=b'{"owner": "u-2"}'))

    one, two = commander.answers_to(bad.command_id, 2)
    assert one == two
    assert (one.outcome, one.reason) == ("rejected", "There is no user 'u-9'; GET /users lists them.")
    assert msgspec.json.decode(one.receipt) == {"code": "unknown-user"}
    assert crm.call("GET", f"/leads/{lead}")["owner"] == "u-1"


def test_commands_of_one_record_in_one_batch_build_on_each_other(
    crm: CrmProcess, commander: Commander
) -> None:
    lead = make_lead(crm)
    commander.send(
        *(
            command("change_field", {"field": "score", "value": n}, lead, command_id=f"{lead}-{n}")
            for n in range(20)
        ),
        *(command("move_stage", {"stage": "next"}, lead, command_id=f"{lead}-s{n}") for n in range(4)),
    )

    versions = [commander.answers_to(f"{lead}-{n}")[0].record_version for n in range(20)]
    assert versions == list(range(2, 22))
    assert [commander.answers_to(f"{lead}-s{n}")[0].outcome for n in range(4)] == [
        *["applied"] * 3,
        "rejected",
    ]
    assert crm.call("GET", f"/leads/{lead}")["stage"] == "Nurturing"


def test_a_command_for_a_record_that_does_not_exist_is_rejected(commander: Commander) -> None:
    missing = command("assign_owner", {"owner": "u-2"}, "no-such-lead", command_id="missing")
    commander.send(missing)

    (answer,) = commander.answers_to("missing")
    assert msgspec.json.decode(answer.receipt) == {"code": "unknown-record"}
    assert (answer.record, answer.record_version) == (None, None)


def test_a_command_of_another_tenant_is_left_to_another_crm(crm: CrmProcess, commander: Commander) -> None:
    lead = make_lead(crm)
    elsewhere = command("assign_owner", {"owner": "u-2"}, lead, tenant_id="acme", command_id=f"{lead}-acme")
    own = command("assign_owner", {"owner": "u-3"}, lead)
    commander.send(elsewhere, own)

    commander.answers_to(own.command_id)
    answers = [codec.decode(m.value() or b"", CrmCommandResult) for m in commander.answers.messages()]
    assert elsewhere.command_id not in {answer.command_id for answer in answers}
    assert crm.call("GET", f"/leads/{lead}")["owner"] == "u-3"


def test_what_is_no_command_goes_to_the_dead_letters_and_the_next_is_applied(
    crm: CrmProcess, commander: Commander, tap: Tap
) -> None:
    lead = make_lead(crm)
    good = command("assign_owner", {"owner": "u-3"}, lead)
    commander.send_raw(lane("demo", "leads", lead), b"rubbish")
    commander.send(good)

    assert commander.answers_to(good.command_id)[0].outcome == "applied"
    letters = eventually(
        lambda: [m for m in tap.messages() if m.topic() == topics.DEAD_LETTERS and m.value() == b"rubbish"],
        "the dead letter",
    )
    headers: Any = letters[0].headers()
    assert dict(headers)["source-topic"] == b"crm.commands"


@pytest.mark.usefixtures("behaving")
def test_told_to_reject_it_rejects_what_it_has_not_decided_yet(crm: CrmProcess, commander: Commander) -> None:
    lead = make_lead(crm)
    decided, fresh = (
        command("assign_owner", {"owner": "u-2"}, lead, command_id=f"{lead}-{name}") for name in ("a", "b")
    )
    commander.send(decided)
    commander.answers_to(decided.command_id)
    crm.call("PUT", "/behaviour", {"reject": True, "reject_reason": "Closed for today."})
    commander.send(decided, fresh)

    assert [each.outcome for each in commander.answers_to(decided.command_id, 2)] == ["applied", "applied"]
    (answer,) = commander.answers_to(fresh.command_id)
    assert (answer.outcome, answer.reason) == ("rejected", "Closed for today.")


@pytest.mark.usefixtures("behaving")
def test_told_to_repeat_it_answers_twice_and_told_to_be_silent_never(
    crm: CrmProcess, commander: Commander
) -> None:
    lead = make_lead(crm)
    crm.call("PUT", "/behaviour", {"answers": 2})
    twice = command("assign_owner", {"owner": "u-2"}, lead, command_id=f"{lead}-twice")
    commander.send(twice)
    one, two = commander.answers_to(twice.command_id, 2)
    assert one == two

    crm.call("PUT", "/behaviour", {"answers": 0})
    commander.send(command("assign_owner", {"owner": "u-3"}, lead, command_id=f"{lead}-silent"))
    eventually(lambda: crm.call("GET", f"/leads/{lead}")["owner"] == "u-3", "the silent change")
    answers = [codec.decode(m.value() or b"", CrmCommandResult) for m in commander.answers.messages()]
    assert f"{lead}-silent" not in {answer.command_id for answer in answers}


@pytest.mark.usefixtures("behaving")
def test_told_to_delay_it_applies_at_once_and_answers_later(crm: CrmProcess, commander: Commander) -> None:
    lead = make_lead(crm)
    crm.call("PUT", "/behaviour", {"delay_ms": 2000})
    late = command("assign_owner", {"owner": "u-2"}, lead, command_id=f"{lead}-late")
    commander.send(late)
    eventually(lambda: crm.call("GET", f"/leads/{lead}")["owner"] == "u-2", "the change")

    (answer,) = commander.answers_to(late.command_id)
    (message,) = [m for m in commander.answers.seen if late.command_id.encode() in (m.value() or b"")]
    assert message.timestamp()[1] - answer.answered_at_ms >= 2000


@pytest.mark.usefixtures("behaving")
def test_held_answers_are_released_when_told(crm: CrmProcess, commander: Commander) -> None:
    lead = make_lead(crm)
    crm.call("PUT", "/behaviour", {"delay_ms": 86_400_000, "delay_every": 2})
    commander.send(
        *(
            command("change_field", {"field": "score", "value": n}, lead, command_id=f"{lead}-{n}")
            for n in range(4)
        )
    )
    eventually(lambda: crm.call("GET", f"/leads/{lead}")["score"] == 3, "the changes")

    assert crm.call("POST", "/behaviour/release")["released"] == 2
    assert all(commander.answers_to(f"{lead}-{number}") for number in range(4))
