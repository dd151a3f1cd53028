"""What a Retry keeps, repeats, and under which keys."""

from typing import Any

import msgspec
import pytest

from run_ledger.domain.records import AttemptRecord, RunRecord
from run_ledger.domain.retry import PastRun, plan, preview
from signalbox_contracts import ids
from tests.unit.run_ledger import facts

OUTLINE = msgspec.json.encode(facts.ACTIONS)


def key(action_id: str, generation: int = 0) -> str:
    return ids.effect_key(facts.TENANT, "evt-1", "wf-1", action_id, generation)


def attempt(index: int, outcome: str, generation: int = 0, **changes: Any) -> AttemptRecord:
    action = facts.ACTIONS[index]
    return AttemptRecord(
        **{
            "action_index": index,
            "attempt": 1,
            "seq": 2 + index,
            "action_id": action.id,
            "outcome": outcome,
            "started_at_ms": facts.T0,
            "effect_key": key(action.id, generation),
            "receipt": b'{"n":1}' if outcome == "success" else None,
            "error_type": "http-status" if outcome == "failed" else None,
            **changes,
        }
    )


def past(*attempts: AttemptRecord, record: bytes | None = None, **changes: Any) -> PastRun:
    run = RunRecord(
        **{
            "tenant_id": facts.TENANT,
            "run_id": facts.run_id(),
            "workflow_id": "wf-1",
            "workflow_name": "Welcome",
            "version": 3,
            "module": "leads",
            "event": "created",
            "event_id": "evt-1",
            "record_id": "lead-42",
            "occurred_at_ms": facts.T0,
            "started_at_ms": facts.T0,
            "moved_at_ms": facts.T0,
            "status": "failed",
            "outline": OUTLINE,
            **changes,
        }
    )
    return PastRun(run, attempts, record)


def kept(*indexes: int) -> bytes:
    return msgspec.json.encode(
        [
            {
                "id": facts.ACTIONS[index].id,
                "type": facts.ACTIONS[index].type,
                "status": "success",
                "parameters_hash": facts.ACTIONS[index].parameters_hash,
                "receipt": {"kept": index},
            }
            for index in indexes
        ]
    )


def test_what_succeeded_is_kept_with_its_receipt_and_parameters() -> None:
    planned = plan([past(attempt(0, "success"), attempt(1, "failed"))], "pinned", repeat_completed=False)
    assert [(done.id, done.parameters_hash, done.receipt) for done in planned.completed] == [
        ("welcome", "a" * 64, b'{"n":1}')
    ]
    assert planned.key_generations == {}


def test_a_rejected_command_gets_the_next_key() -> None:
    rejected = attempt(2, "failed", error_type="crm-rejected")
    assert plan([past(rejected)], "pinned", repeat_completed=False).key_generations == {"task": 1}


def test_a_command_rejected_again_gets_the_key_after_the_next() -> None:
    second = past(attempt(2, "failed", 1, error_type="crm-rejected"), retry_number=1)
    first = past(attempt(2, "failed", error_type="crm-rejected"))
    assert plan([second, first], "pinned", repeat_completed=False).key_generations == {"task": 2}


def test_a_rejection_two_retries_ago_still_counts_where_the_action_was_not_reached_since() -> None:
    second = past(attempt(1, "failed"), retry_number=1)
    first = past(attempt(2, "failed", error_type="crm-rejected"))
    assert plan([second, first], "pinned", repeat_completed=False).key_generations == {"task": 1}


def test_a_generation_once_begun_is_kept() -> None:
    second = past(attempt(2, "failed", 1), retry_number=1)
    first = past(attempt(2, "failed", error_type="crm-rejected"))
    assert plan([second, first], "pinned", repeat_completed=False).key_generations == {"task": 1}


def test_repeating_what_succeeded_takes_new_keys_and_keeps_nothing() -> None:
    line = [past(attempt(0, "success"), attempt(1, "failed"), record=b"{}")]
    planned = plan(line, "pinned", repeat_completed=True)
    assert (planned.completed, planned.record) == ((), None)
    assert planned.key_generations == {"welcome": 1}


def test_on_the_latest_version_a_changed_action_would_run_under_a_new_key() -> None:
    planned = plan([past(attempt(0, "success"), attempt(1, "failed"))], "latest", repeat_completed=False)
    assert [done.id for done in planned.completed] == ["welcome"]
    assert planned.key_generations == {"welcome": 1}


def test_a_retry_of_a_retry_keeps_what_the_first_did() -> None:
    second = past(attempt(1, "success"), attempt(2, "failed"), kept=kept(0), retry_number=1)
    first = past(attempt(0, "success"), attempt(1, "failed"), record=b'{"stage":"Won"}')
    planned = plan([second, first], "pinned", repeat_completed=False)
    assert [(done.id, done.receipt) for done in planned.completed] == [
        ("welcome", b'{"kept":0}'),
        ("tell-erp", b'{"n":1}'),
    ]
    assert planned.record == b'{"stage":"Won"}'


@pytest.mark.parametrize(
    ("mode", "repeat", "outcomes"),
    [
        ("pinned", False, ["will_not_repeat", "will_run", "will_run"]),
        ("pinned", True, ["will_run", "will_run", "will_run"]),
        ("latest", False, ["unknown", "will_run", "will_run"]),
    ],
)
def test_the_preview_says_what_the_plan_does(mode: Any, repeat: bool, outcomes: list[str]) -> None:
    line = [past(attempt(0, "success"), attempt(1, "failed"))]
    assert [action.outcome for action in preview(line, mode, repeat_completed=repeat)] == outcomes
