"""Commands to the CRM and what its answers mean."""

import json
import os
import zlib

import msgspec
import pytest

from action_runner.domain import command
from action_runner.domain.advance import Ends, Goes
from action_runner.domain.command import Issued, Late, Moves
from action_runner.domain.outcome import Permanent
from action_runner.errors import UnusableAnswer
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import (
    ActionFailed,
    ActionRequested,
    ActionSucceeded,
    CrmCommandResult,
    RunWaiting,
)
from tests.unit.action_runner.tokens import NOW_MS, step, token

PARAMETERS = b'{"field":"priority","value":"High"}'


def issued(run: ActionRequested) -> Issued:
    answer = command.issue(run, PARAMETERS, NOW_MS)
    assert isinstance(answer, Issued)
    return answer


def result_of(sent: Issued, **changes: object) -> CrmCommandResult:
    message = sent.command
    applied = CrmCommandResult(
        command_id=message.command_id,
        tenant_id=message.tenant_id,
        module=message.module,
        record_id=message.record_id,
        outcome="applied",
        receipt=b'{"changed":true}',
        record=b'{"id":"lead-1","priority":"High"}',
        record_version=4,
        answered_at_ms=NOW_MS + 5,
        reply_context=message.reply_context,
    )
    return msgspec.structs.replace(applied, **changes)


def answered(
    result: CrmCommandResult, appended_at_ms: int = NOW_MS + 9, repeated: bool = False
) -> Moves | Late:
    carried = command.carried_token(result)
    return command.answer(carried, result, appended_at_ms, NOW_MS + 10, repeated=repeated)


def test_a_command_carries_the_token_away_with_its_deadline() -> None:
    run = token(step("change_field", timeout_ms=60_000), chain=("wf-0",), depth=1)
    sent = issued(run)
    (waiting,) = sent.step.facts
    assert isinstance(waiting, RunWaiting)
    assert (waiting.waiting_for, waiting.deadline_ms, waiting.seq) == ("crm", NOW_MS + 60_000, 2)
    assert (sent.command.chain, sent.command.depth) == (("wf-0",), 1)
    assert json.loads(sent.command.parameters) == {"field": "priority", "value": "High"}
    carried = codec.decode(sent.command.reply_context, ActionRequested)
    assert carried.seq == waiting.seq
    assert carried.command is not None
    assert carried.command.deadline_ms == NOW_MS + 60_000


def test_what_the_ledger_may_send_on_asks_again_with_the_same_key() -> None:
    run = token(step("change_field"))
    sent = issued(run)
    fact = sent.step.facts[0]
    assert isinstance(fact, RunWaiting)
    assert fact.token is not None
    resent = codec.decode(fact.token, ActionRequested)
    assert (resent.attempt, resent.seq) == (2, 2)
    again = issued(msgspec.structs.replace(resent, command=None))
    assert again.command.command_id == sent.command.command_id
    assert again.command.reply_context != sent.command.reply_context


def test_an_applied_command_moves_the_run_and_later_actions_see_the_changed_record() -> None:
    sent = issued(token(step("change_field"), step("webhook", 1)))
    moved = answered(result_of(sent))
    assert isinstance(moved, Moves)
    (succeeded,) = moved.step.facts
    assert isinstance(succeeded, ActionSucceeded)
    assert (succeeded.seq, succeeded.attempt, succeeded.started_at_ms) == (3, 1, NOW_MS)
    assert isinstance(moved.step.then, Goes)
    following = moved.step.then.token
    assert following.record == b'{"id":"lead-1","priority":"High"}'
    assert (following.command, following.seq) == (None, 3)


def test_of_an_applied_command_what_is_too_large_is_left_out_with_a_warning() -> None:
    large = json.dumps({"text": "x" * topics.ENVELOPE_MAX_BYTES}).encode()
    sent = issued(token(step("change_field"), step("webhook", 1), record=b'{"id":"lead-1"}'))
    moved = answered(result_of(sent, record=large, receipt=large))
    assert isinstance(moved, Moves)
    (succeeded,) = moved.step.facts
    assert isinstance(succeeded, ActionSucceeded)
    assert (succeeded.record, succeeded.receipt, len(succeeded.warnings)) == (None, b"{}", 2)
    assert isinstance(moved.step.then, Goes)
    assert moved.step.then.token.record == b'{"id":"lead-1"}'
    rejected = answered(result_of(sent, outcome="rejected", receipt=large, record=None))
    assert isinstance(rejected, Moves)
    (failed, _) = rejected.step.facts
    assert isinstance(failed, ActionFailed)
    assert failed.receipt is None


def test_a_rejection_is_permanent_and_gives_the_crms_reason() -> None:
    sent = issued(token(step("change_field")))
    moved = answered(result_of(sent, outcome="rejected", reason="No such field.", record=None))
    assert isinstance(moved, Moves)
    failed = moved.step.facts[0]
    assert isinstance(failed, ActionFailed)
    assert (failed.error_type, failed.error_detail, failed.final) == ("crm-rejected", "No such field.", True)
    assert moved.step.then == Ends()


@pytest.mark.parametrize(("lateness_ms", "is_late"), [(0, False), (1, True), (3_600_000, True)])
def test_an_answer_counts_until_its_deadline_by_the_brokers_time(lateness_ms: int, is_late: bool) -> None:
    sent = issued(token(step("change_field", timeout_ms=60_000)))
    late = answered(result_of(sent), NOW_MS + 60_000 + lateness_ms)
    assert isinstance(late, Late) == is_late
    if isinstance(late, Late):
        assert late.fact.why == "late"
        assert late.fact.outcome == "applied"


def test_a_repeated_answer_moves_nothing() -> None:
    sent = issued(token(step("change_field")))
    repeated = answered(result_of(sent), repeated=True)
    assert isinstance(repeated, Late)
    assert repeated.fact.why == "repeated"


@pytest.mark.parametrize(
    "changes",
    [
        {"reply_context": b"something else"},
        {"tenant_id": "other"},
        {"command_id": "0" * 64},
        {"reply_context": codec.encode(token(step("change_field")))},
        {"record": b"{cut short"},
        {"record": b"[1]"},
        {"receipt": b"\xff"},
        {"receipt": b'"done"'},
    ],
)
def test_an_answer_that_brings_back_no_run_of_ours_is_unusable(changes: dict[str, object]) -> None:
    sent = issued(token(step("change_field")))
    with pytest.raises(UnusableAnswer):
        command.carried_token(result_of(sent, **changes))


def test_a_large_token_is_packed_and_comes_back_the_same() -> None:
    record = json.dumps({"id": "lead-1", "text": "abc " * 100_000}).encode()
    sent = issued(token(step("change_field"), record=record))
    assert len(sent.command.reply_context) <= topics.REPLY_CONTEXT_MAX_BYTES
    assert command.carried_token(result_of(sent)).record == record


def test_a_token_too_large_to_travel_ends_its_action_with_a_sentence() -> None:
    record = json.dumps({"id": "lead-1", "text": os.urandom(400_000).hex()}).encode()
    answer = command.issue(token(step("change_field"), record=record), PARAMETERS, NOW_MS)
    assert isinstance(answer, Permanent)
    assert answer.failure.type == "record-too-large"


def test_a_reply_context_that_unpacks_to_a_bomb_is_refused() -> None:
    bomb = b"Z1" + zlib.compress(bytes(command.CONTEXT_MAX_BYTES + 1))
    with pytest.raises(UnusableAnswer, match="more than"):
        command.unpack(bomb)


def test_a_truncated_reply_context_is_refused() -> None:
    packed = command.pack(os.urandom(command.PACK_OVER_BYTES + 1))
    with pytest.raises(UnusableAnswer):
        command.unpack(packed[:-10])
