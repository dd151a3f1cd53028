"""What goes to Kafka: events, the catalog; and what comes from there."""

import msgspec
import pytest

from sample_crm.adapters.command_reader import read_command
from sample_crm.domain.behaviour import Behaviour
from sample_crm.domain.commands import Rejected
from sample_crm.domain.events import Cause, catalog_records, event_record
from sample_crm.domain.modules import MODULES, MODULES_BY_NAME
from sample_crm.domain.records import change, create
from signalbox_contracts import codec, topics
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.errors import ContractError
from signalbox_contracts.messages import CrmCatalog
from signalbox_rules.record_catalog import Catalog
from signalbox_runtime.records import Inbound
from tests.unit.sample_crm.crm_setting import DIRECTORY, LATER, NOW, command, record

LEADS = MODULES_BY_NAME["leads"]


def test_an_event_is_one_that_signalbox_reads() -> None:
    for module in MODULES:
        created = create(module, f"{module.name}-1", dict(_needed(module.name)), DIRECTORY, NOW)
        message = event_record("demo", created, Cause("u-1", "ui"), "evt-1", NOW)
        assert message is not None
        event = read_event(message.topic, message.key, message.value, message.headers)
        assert (event.module, event.event, event.event_id) == (module.name, "created", "evt-1")
        assert event.previous == b"null"
        assert event.occurred_at_ms == 1_795_428_000_000


def test_an_event_of_a_workflow_carries_its_chain() -> None:
    changed = change(LEADS, record("leads"), {"amount": 5}, DIRECTORY, LATER)
    assert changed is not None
    cause = Cause("workflow:wf-1", "workflow", ("wf-0", "wf-1"), 2)
    message = event_record("demo", changed, cause, "evt-2", LATER)
    assert message is not None
    event = read_event(message.topic, message.key, message.value, message.headers)

    assert (event.chain, event.depth, event.origin) == (("wf-0", "wf-1"), 2, "workflow")
    assert msgspec.json.decode(event.previous or b"") == record("leads")


def test_a_change_without_a_name_is_no_message() -> None:
    changed = change(MODULES_BY_NAME["tasks"], record("tasks"), {"priority": "Low"}, DIRECTORY, LATER)
    assert changed is not None

    assert event_record("demo", changed, Cause(None, "api"), "evt-1", LATER) is None


def test_the_catalog_is_one_that_the_rules_read() -> None:
    messages = catalog_records("demo", DIRECTORY, NOW)
    contents = {
        each.kind: each.content for each in (codec.decode(m.value or b"", CrmCatalog) for m in messages)
    }
    catalog = Catalog.from_json((contents[module.name] for module in MODULES), contents["users"])

    assert {(message.key or b"").decode() for message in messages} == {f"demo/{kind}" for kind in contents}
    assert {message.topic for message in messages} == {topics.CRM_CATALOG}
    assert set(catalog.modules) == set(topics.MODULES)
    assert catalog.modules["leads"].stages == ("New", "Contacted", "Qualified", "Nurturing")
    assert catalog.modules["leads"].fields["source"].options[:2] == ("Web Form", "Referral")
    assert catalog.modules["leads"].fields["stage"].options == catalog.modules["leads"].stages
    assert catalog.users["u-2"].email == "u2@crm.example"


def inbound(value: bytes | None) -> Inbound:
    return Inbound(topic="crm.commands", partition=0, offset=7, timestamp_ms=1, key=b"k", value=value)


def test_a_command_is_read() -> None:
    sent = command("assign_owner", {"owner": "u-1"})

    assert read_command(inbound(codec.encode(sent))) == sent


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"garbage",
        codec.encode(command("x", {}))[:-1],
        codec.encode(command("x", {}, record_id="a\0b")),
        codec.encode(command("x", {}, command_id="")),
    ],
)
def test_what_could_never_be_answered_is_no_command(value: bytes | None) -> None:
    assert isinstance(read_command(inbound(value)), ContractError)


def test_the_crm_behaves_unless_told_otherwise() -> None:
    order = command("move_stage", {})

    assert Behaviour().refusal(order) is None
    assert (Behaviour().answers, Behaviour().delay(1).total_seconds()) == (1, 0)
    assert Behaviour(reject=True, reject_reason="No.").refusal(order) == Rejected("told-to-reject", "No.")
    assert Behaviour(reject=True, reject_types=("create_task",)).refusal(order) is None


def test_every_nth_answer_is_held_back() -> None:
    behaviour = Behaviour(delay_ms=5000, delay_every=3)

    assert [behaviour.delay(number).total_seconds() for number in range(1, 7)] == [0, 0, 5, 0, 0, 5]


def _needed(module: str) -> dict[str, object]:
    by_module: dict[str, dict[str, object]] = {"tasks": {"subject": "Call"}, "invoices": {"amount": 1}}
    return by_module.get(module, {"name": "Ada"})
