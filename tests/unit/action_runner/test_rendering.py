"""From a token to the parameters that are sent."""

import json
from typing import Any

import msgspec
import pytest

from action_runner.domain.rendering import render
from action_runner.errors import UnfitToken
from signalbox_contracts import codec
from signalbox_contracts.messages import CompletedAction, CrmEvent
from signalbox_rules.record_catalog import User
from tests.unit.action_runner.tokens import NOW_MS, step, token

USERS = {"u-1": User("u-1", "Ada Byron", "ada@crm.example")}


def rendered(text: str, **changes: Any) -> object:
    parameters = json.dumps({"field": "x", "value": text}).encode()
    run = token(step("change_field", parameters=parameters), **changes)
    return render(run, USERS).parameters["value"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ record.name }}", "Ada"),
        ("{{ owner.name }} <{{ owner.email }}>", "Ada Byron <ada@crm.example>"),
        ("{{ event.name }} {{ event.record_id }} {{ event.time }}", "created lead-1 2026-11-23T"),
        ("{{ workflow.name }} v{{ workflow.version }} {{ run.id }}", "Welcome v1 run-1"),
    ],
)
def test_what_templates_see(text: str, value: str) -> None:
    assert str(rendered(text)).startswith(value)


def test_later_actions_see_the_record_as_earlier_ones_left_it_and_the_event_as_it_was() -> None:
    text = "{{ record.name }} was {{ event.record.name }}"
    assert rendered(text, record=b'{"id":"lead-1","name":"Grace"}') == "Grace was Ada"


def test_receipts_of_earlier_actions_are_seen_by_their_id() -> None:
    done = CompletedAction(
        id="tell-erp", type="webhook", status="success", parameters_hash="h", receipt=b'{"status":201}'
    )
    assert rendered("{{ actions.tell-erp.receipt.status }}", completed=(done,)) == 201


def test_numbers_stay_numbers_and_null_stays_null() -> None:
    amount = b'{"id":"lead-1","amount":75000,"nothing":null}'
    assert rendered("{{ record.amount }}", record=amount) == 75_000
    assert rendered("{{ record.nothing }}", record=amount) is None


def test_parameters_that_are_no_parameters_are_problems_in_the_words_of_a_dry_run() -> None:
    preview = render(token(step("change_field", parameters=b'{"value":1}')), USERS)
    assert [problem.pointer for problem in preview.problems] == ["/field"]


@pytest.mark.parametrize("at_ms", [10**15 * 9, -(10**18)])
def test_a_time_out_of_this_world_is_an_unfit_token_and_no_crash(at_ms: int) -> None:
    event = msgspec.structs.replace(codec.decode(token().event, CrmEvent), occurred_at_ms=at_ms)
    with pytest.raises(UnfitToken):
        render(token(event=codec.encode(event), run_started_at_ms=NOW_MS), USERS)
