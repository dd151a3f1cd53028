"""Laws of the sample CRM's commands, whatever is asked of it."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_crm.domain.commands import Applied, Rejected, decide
from sample_crm.domain.events import caused_by, event_record
from sample_crm.domain.modules import MODULES, MODULES_BY_NAME
from sample_crm.domain.records import Record
from signalbox_contracts.cloudevents import read_event
from tests.unit.sample_crm.crm_setting import LATER, command, record, setting

FIELDS = sorted({name for module in MODULES for name in module.fields})
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["u-1", "u-9", "next", "Qualified", "Closed Won", "High", "2026-11-24", "a@b.example", "7.5"]
    ),
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.sampled_from(["u-1", "u-2"]),
        max_size=3,
    ),
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=3), st.integers(0, 9), max_size=2
    ),
)
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "field": st.sampled_from(FIELDS) | VALUES,
        **dict.fromkeys(
            ("value", "stage", "owner", "to", "message", "subject", "due_at", "assignee"), VALUES
        ),
    },
)
KINDS = st.sampled_from(
    ["create_task", "change_field", "move_stage", "assign_owner", "send_notification", "nothing"]
)
RECORDS = st.sampled_from(
    [record(module.name, **({"owner": "u-1"} if "owner" in module.fields else {})) for module in MODULES]
)
MANY = settings(max_examples=150, deadline=None)


def decided(kind: str, parameters: Any, before: Record) -> Applied | Rejected:
    return decide(command(kind, parameters, module=before["id"].removesuffix("-1")), before, setting())


@MANY
@given(KINDS, PARAMETERS, RECORDS)
def test_every_command_is_applied_or_rejected_with_a_reason(
    kind: str, parameters: dict[str, Any], before: Record
) -> None:
    decision = decided(kind, parameters, before)

    if isinstance(decision, Rejected):
        assert decision.reason
        assert decision.record == before
    else:
        assert decision.receipt["record_version"] == decision.record["version"]
        assert msgspec.json.decode(msgspec.json.encode(decision.receipt)) == decision.receipt


@MANY
@given(KINDS, PARAMETERS, RECORDS)
def test_what_a_command_changes_is_one_version_further_and_an_event_that_is_accepted(
    kind: str, parameters: dict[str, Any], before: Record
) -> None:
    decision = decided(kind, parameters, before)
    if isinstance(decision, Rejected):
        return
    for change in decision.changes:
        assert change.after["version"] == (change.before["version"] if change.before else 0) + 1
        assert change.after != change.before
        message = event_record("demo", change, caused_by(command(kind, {})), "evt-1", LATER)
        if message is not None:
            event = read_event(message.topic, message.key, message.value, message.headers)
            assert event.chain == ("wf-0", "wf-1")


@MANY
@given(PARAMETERS, RECORDS)
def test_a_change_that_is_made_again_changes_nothing(parameters: dict[str, Any], before: Record) -> None:
    first = decided("change_field", parameters, before)
    if isinstance(first, Rejected):
        return
    again = decided("change_field", parameters, first.record)

    assert isinstance(again, Applied)
    assert again.changes == ()
    assert again.record == first.record


@MANY
@given(KINDS, PARAMETERS, RECORDS)
def test_a_record_keeps_its_fields_and_what_only_actions_set(
    kind: str, parameters: dict[str, Any], before: Record
) -> None:
    after = decided(kind, parameters, before).record

    assert after is not None
    assert after.keys() == before.keys()
    fields = MODULES_BY_NAME[before["id"].removesuffix("-1")].fields
    kept = {name for name, field in fields.items() if field.read_only} - {
        "updated_at",
        "version",
        "closed_at",
    }
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
