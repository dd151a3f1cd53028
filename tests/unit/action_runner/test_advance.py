"""What follows an outcome: given a token, when its action ended so, then these facts and this way on."""

import msgspec
import pytest

from action_runner.domain import advance
from action_runner.domain.advance import Attempt, Delays, Ends, Goes, Parks, Waits
from action_runner.domain.outcome import Failure, Permanent, Postponed, Retryable, Succeeded, Unknown
from signalbox_contracts import codec
from signalbox_contracts.messages import (
    ActionError,
    ActionFailed,
    ActionRequested,
    ActionStarted,
    ActionSucceeded,
    RunCanceled,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)
from tests.unit.action_runner.tokens import NOW_MS, step, token

ATTEMPT = Attempt(NOW_MS, NOW_MS + 40)
DOWN = Failure("http-status", "POST https://erp.example/ answered 503")


def test_success_of_the_last_action_ends_the_run() -> None:
    followed = advance.after_attempt(token(), ATTEMPT, Succeeded(b'{"status":200}'), 0.0)
    succeeded, ended = followed.facts
    assert isinstance(succeeded, ActionSucceeded)
    assert (succeeded.seq, succeeded.attempt, succeeded.receipt) == (2, 1, b'{"status":200}')
    assert (succeeded.started_at_ms, succeeded.finished_at_ms) == (NOW_MS, NOW_MS + 40)
    assert isinstance(ended, RunSucceeded)
    assert ended.seq == 3
    assert followed.then == Ends()


def test_success_sends_the_token_to_the_next_action_with_what_was_left_behind() -> None:
    run = token(step(), step("send_email", 1), record=b'{"a":1}', attempt=2)
    followed = advance.after_attempt(run, ATTEMPT, Succeeded(b'{"r":1}', b'{"a":2}'), 0.0)
    assert [fact.seq for fact in followed.facts] == [2]
    assert isinstance(followed.then, Goes)
    moved = followed.then.token
    assert [action.id for action in moved.actions] == ["action-1"]
    assert (moved.seq, moved.attempt, moved.record) == (2, 1, b'{"a":2}')
    assert [(done.id, done.status, done.receipt) for done in moved.completed] == [
        ("action-0", "success", b'{"r":1}')
    ]


def test_a_short_wait_stays_in_the_lane() -> None:
    followed = advance.after_attempt(token(), ATTEMPT, Retryable(DOWN), 0.0)
    (failed,) = followed.facts
    assert isinstance(failed, ActionFailed)
    assert not failed.final
    assert failed.retry_at_ms == NOW_MS + 40 + 500
    assert isinstance(followed.then, Waits)
    assert (followed.then.at_ms, followed.then.token.attempt, followed.then.token.seq) == (NOW_MS + 540, 2, 2)


def test_a_long_wait_is_stated_and_leaves_the_lane() -> None:
    followed = advance.after_attempt(token(), ATTEMPT, Retryable(DOWN, after_ms=120_000), 0.0)
    failed, waiting = followed.facts
    assert isinstance(failed, ActionFailed)
    assert isinstance(waiting, RunWaiting)
    assert (waiting.waiting_for, waiting.deadline_ms, waiting.seq) == ("retry", NOW_MS + 120_040, 3)
    assert isinstance(followed.then, Delays)
    assert (followed.then.token.seq, followed.then.token.attempt) == (3, 2)


def test_a_receiver_can_not_park_a_run_for_weeks() -> None:
    followed = advance.after_attempt(token(), ATTEMPT, Retryable(DOWN, after_ms=10**12), 0.0)
    assert isinstance(followed.then, Delays)
    assert followed.then.at_ms == NOW_MS + 40 + 3_600_000


def test_the_last_attempt_is_final() -> None:
    followed = advance.after_attempt(token(attempt=3), ATTEMPT, Retryable(DOWN), 0.5)
    failed, ended = followed.facts
    assert isinstance(failed, ActionFailed)
    assert failed.final
    assert failed.retry_at_ms is None
    assert isinstance(ended, RunFailed)
    assert (ended.action_id, ended.error_type, ended.error_detail) == ("action-0", DOWN.type, DOWN.detail)
    assert followed.then == Ends()


def test_a_permanent_failure_does_not_wait_for_more_attempts() -> None:
    followed = advance.after_attempt(token(), ATTEMPT, Permanent(DOWN), 0.5)
    assert [type(fact) for fact in followed.facts] == [ActionFailed, RunFailed]


def test_continue_goes_on_and_ends_as_failed_with_the_first_error() -> None:
    run = token(step(on_failure="continue"), step("webhook", 1))
    followed = advance.after_attempt(run, ATTEMPT, Permanent(DOWN), 0.0)
    assert isinstance(followed.then, Goes)
    moved = followed.then.token
    assert moved.first_error == ActionError(action_id="action-0", type=DOWN.type, detail=DOWN.detail)
    assert [(done.id, done.status) for done in moved.completed] == [("action-0", "failed")]

    ended = advance.after_attempt(moved, ATTEMPT, Succeeded(b"{}"), 0.0).facts[-1]
    assert isinstance(ended, RunFailed)
    assert ended.action_id == "action-0"


def test_a_second_failure_does_not_hide_the_first() -> None:
    first = ActionError(action_id="action-0", type="timeout", detail="first")
    run = token(step("webhook", 1), first_error=first)
    ended = advance.after_attempt(run, ATTEMPT, Permanent(DOWN), 0.0).facts[-1]
    assert isinstance(ended, RunFailed)
    assert (ended.action_id, ended.error_detail) == ("action-0", "first")


def test_an_unknown_outcome_is_tried_again_with_the_same_key_by_default() -> None:
    run = token()
    followed = advance.after_attempt(run, ATTEMPT, Unknown(DOWN), 0.0)
    assert isinstance(followed.then, Waits)
    assert advance.effect_key(followed.then.token) == advance.effect_key(run)


def test_an_unknown_outcome_under_hold_waits_for_a_person_with_the_token_to_send_on() -> None:
    run = token(step(on_unknown="hold"), permit="p")
    followed = advance.after_attempt(run, ATTEMPT, Unknown(DOWN), 0.0)
    (waiting,) = followed.facts
    assert isinstance(waiting, RunWaiting)
    assert (waiting.waiting_for, waiting.deadline_ms, waiting.attempt) == ("person", None, 1)
    assert waiting.token is not None
    carried = codec.decode(waiting.token, ActionRequested)
    assert (carried.seq, carried.attempt, carried.permit) == (waiting.seq, 2, None)
    assert followed.then == Parks()


def test_a_known_failure_under_hold_comes_back_as_a_message_so_that_it_is_announced_again() -> None:
    run = token(step(on_unknown="hold"), permit="p")
    followed = advance.after_attempt(run, ATTEMPT, Retryable(DOWN), 0.0)
    assert isinstance(followed.then, Delays)
    assert followed.then.token.permit is None


def test_a_held_call_is_announced_before_it_is_made() -> None:
    followed = advance.ask_permit(token(step(on_unknown="hold")), NOW_MS, "secret")
    (started,) = followed.facts
    assert isinstance(started, ActionStarted)
    assert (started.seq, started.deadline_ms) == (2, NOW_MS + 15_000)
    assert isinstance(followed.then, Goes)
    assert (followed.then.token.permit, followed.then.token.seq) == ("secret", 2)


def test_a_postponed_call_burns_no_attempt() -> None:
    followed = advance.after_attempt(token(), ATTEMPT, Postponed(30_000, "it recovers"), 0.0)
    (waiting,) = followed.facts
    assert isinstance(waiting, RunWaiting)
    assert (waiting.reason, waiting.attempt) == ("it recovers", 1)
    assert isinstance(followed.then, Delays)
    assert followed.then.token.attempt == 1


def test_a_run_can_not_be_postponed_for_ever() -> None:
    old = token(run_started_at_ms=NOW_MS - advance.POSTPONE_MAX_MS - 1)
    followed = advance.after_attempt(old, ATTEMPT, Postponed(30_000, "it recovers"), 0.0)
    failed = followed.facts[0]
    assert isinstance(failed, ActionFailed)
    assert failed.error_type == "destination-closed"


def test_cancel_ends_the_run_and_names_who_asked() -> None:
    followed = advance.cancel(token(step("webhook", 3), seq=9), NOW_MS, "key:ops")
    (canceled,) = followed.facts
    assert isinstance(canceled, RunCanceled)
    assert (canceled.seq, canceled.action_id, canceled.requested_by) == (10, "action-3", "key:ops")


def test_a_dead_letter_ends_the_run_and_names_the_place() -> None:
    (failed,) = advance.dead_letter(token(), NOW_MS, "actions.webhook-1@7", Failure("dead-letter", "x")).facts
    assert isinstance(failed, RunFailed)
    assert (failed.seq, failed.dead_letter) == (2, "actions.webhook-1@7")


@pytest.mark.parametrize("field", ["tenant_id", "event_id", "workflow_id"])
def test_the_effect_key_depends_on_what_identifies_the_effect(field: str) -> None:
    assert advance.effect_key(token()) != advance.effect_key(msgspec.structs.replace(token(), **{field: "x"}))


@pytest.mark.parametrize("field", ["run_id", "seq", "attempt", "run_started_at_ms"])
def test_the_effect_key_has_no_time_and_no_run_in_it(field: str) -> None:
    other = {"run_id": "run-2"}.get(field, 77)
    assert advance.effect_key(token()) == advance.effect_key(
        msgspec.structs.replace(token(), **{field: other})
    )
