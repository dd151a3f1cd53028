"""Laws of a run's way through its actions, whatever their outcomes.

A model of the outside decides outcomes; the domain decides what follows. Times only ever come from the model.
"""

from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from action_runner.domain import advance, command
from action_runner.domain.advance import Attempt, Delays, Ends, Goes, Parks, Step, Waits, after_attempt
from action_runner.domain.outcome import (
    Failure,
    Outcome,
    Permanent,
    Postponed,
    Retryable,
    Succeeded,
    Unknown,
)
from action_runner.errors import UnusableAnswer
from signalbox_contracts import codec
from signalbox_contracts.messages import (
    ActionFailed,
    ActionRequested,
    ActionStep,
    CrmCommandResult,
    RetryPolicy,
    RunCanceled,
    RunFact,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)
from tests.unit.action_runner.tokens import NOW_MS, token

ENDS = (RunSucceeded, RunFailed, RunCanceled)
FAILURES = st.builds(Failure, st.sampled_from(["http-status", "timeout"]), st.text(max_size=5))
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Succeeded, st.just(b"{}"), st.none() | st.just(b'{"id":"lead-1"}')),
    st.builds(Retryable, FAILURES, st.none() | st.integers(0, 10**9)),
    st.builds(Permanent, FAILURES),
    st.builds(Unknown, FAILURES),
    st.builds(Postponed, st.integers(0, 100_000), st.just("open")),
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[ActionStep, ...]:
    kinds = draw(st.lists(st.sampled_from(["webhook", "send_email", "change_field"]), min_size=1, max_size=4))
    return tuple(
        ActionStep(
            id=f"a{index}",
            index=index,
            type=kind,
            parameters=b"{}",
            parameters_hash=f"h{index}",
            timeout_ms=draw(st.integers(1, 100_000)),
            retry=RetryPolicy(
                attempts=draw(st.integers(1, 4)),
                first_backoff_ms=draw(st.integers(1, 20_000)),
                factor=draw(st.floats(1, 10)),
                max_backoff_ms=draw(st.integers(1, 600_000)),
            ),
            on_failure=draw(st.sampled_from(["stop", "continue"])),
            on_unknown=draw(st.sampled_from(["resend", "hold"])),
        )
        for index, kind in enumerate(kinds)
    )


class World:
    """Moves one run to its end or to a person, and writes its journal as the ledger folds it: by seq."""

    def __init__(self, run: ActionRequested, draw: Callable[[st.SearchStrategy[Outcome]], Outcome]) -> None:
        self.draw = draw
        self.now_ms = NOW_MS
        self.journal: dict[int, RunFact] = {}
        self.rounds = 0
        self.token: ActionRequested | None = run
        self.decided: list[tuple[Callable[[], Step], Step]] = []

    def run(self) -> None:
        while self.token is not None:
            self.rounds += 1
            self.now_ms += 17
            current = self.token
            assert current.seq == max(self.journal, default=1)
            self.token = self.follow(current, self.decide(current))

    def decide(self, current: ActionRequested) -> Step:
        action = current.actions[0]
        if action.type == "change_field":
            return self.through_the_crm(current)
        if action.on_unknown == "hold" and current.permit is None:
            at = self.now_ms
            return self.keep(lambda: advance.ask_permit(current, at, "permit"))
        outcome: Outcome = self.draw(OUTCOMES) if self.rounds < 60 else Permanent(Failure("x", "enough"))
        attempt = Attempt(self.now_ms, self.now_ms + 3)
        return self.keep(lambda: after_attempt(current, attempt, outcome, 0.25))

    def through_the_crm(self, current: ActionRequested) -> Step:
        issued = command.issue(current, b"{}", self.now_ms)
        assert isinstance(issued, command.Issued)
        self.follow(current, issued.step)
        sent = issued.command
        outcome = self.draw(OUTCOMES)
        result = CrmCommandResult(
            command_id=sent.command_id,
            tenant_id=sent.tenant_id,
            module=sent.module,
            record_id=sent.record_id,
            outcome="applied" if isinstance(outcome, Succeeded) else "rejected",
            receipt=b"{}",
            record=b'{"id":"lead-1"}',
            answered_at_ms=0,
            reply_context=sent.reply_context,
        )
        carried = command.carried_token(result)
        at = self.now_ms
        answered = command.answer(carried, result, at, at, repeated=False)
        assert isinstance(answered, command.Moves)
        assert isinstance(command.answer(carried, result, at, at, repeated=True), command.Late)
        return answered.step

    def keep(self, decide: Callable[[], Step]) -> Step:
        step = decide()
        self.decided.append((decide, step))
        return step

    def follow(self, current: ActionRequested, step: Step) -> ActionRequested | None:
        for fact in step.facts:
            assert fact.seq not in self.journal, "two facts with one seq"
            self.journal[fact.seq] = fact
        match step.then:
            case Goes(moved) | Waits(moved, _) | Delays(moved, _):
                assert moved.seq == step.facts[-1].seq
                return codec.decode(codec.encode(moved), ActionRequested)
            case Parks() | Ends():
                return None


@settings(max_examples=150, deadline=None)
@given(st.data(), steps())
def test_a_run_ends_once_or_waits_with_a_reason_and_its_facts_are_numbered_without_gaps(
    data: st.DataObject, actions: tuple[ActionStep, ...]
) -> None:
    world = World(token(*actions), data.draw)
    world.run()
    facts = [world.journal[seq] for seq in sorted(world.journal)]
    assert [fact.seq for fact in facts] == list(range(2, len(facts) + 2))
    ends = [fact for fact in facts if isinstance(fact, ENDS)]
    if ends:
        assert ends == [facts[-1]]
    else:
        last = facts[-1]
        assert isinstance(last, RunWaiting)
        assert last.waiting_for == "person"
        assert last.token is not None
    for fact in facts:
        if isinstance(fact, RunWaiting) and fact.waiting_for != "person":
            assert fact.deadline_ms is not None
            assert fact.deadline_ms >= fact.at_ms


@settings(max_examples=150, deadline=None)
@given(st.data(), steps())
def test_actions_run_in_sequence_and_no_attempt_is_made_beyond_the_policy(
    data: st.DataObject, actions: tuple[ActionStep, ...]
) -> None:
    world = World(token(*actions), data.draw)
    world.run()
    indexes = [fact.index for fact in world.journal.values() if hasattr(fact, "index")]
    assert indexes == sorted(indexes)
    for action in actions:
        failed = [
            fact
            for fact in world.journal.values()
            if isinstance(fact, ActionFailed) and fact.action_id == action.id
        ]
        assert len(failed) <= action.retry.attempts
        assert [fact.final for fact in failed[:-1]] == [False] * len(failed[:-1])
        assert [fact.attempt for fact in failed] == list(range(1, len(failed) + 1))


@settings(max_examples=100, deadline=None)
@given(st.data(), steps())
def test_deciding_again_what_was_decided_changes_nothing(
    data: st.DataObject, actions: tuple[ActionStep, ...]
) -> None:
    world = World(token(*actions), data.draw)
    world.run()
    for decide, step in world.decided:
        assert decide() == step


@settings(max_examples=100, deadline=None)
@given(st.data(), steps())
def test_stop_reaches_nothing_after_a_failure_and_continue_reaches_everything(
    data: st.DataObject, actions: tuple[ActionStep, ...]
) -> None:
    world = World(token(*actions), data.draw)
    world.run()
    facts = list(world.journal.values())
    finals = [fact for fact in facts if isinstance(fact, ActionFailed) and fact.final]
    for final in finals:
        later = [fact for fact in facts if fact.seq > final.seq and hasattr(fact, "index")]
        if actions[final.index].on_failure == "stop":
            assert later == []
        elif final.index + 1 < len(actions):
            assert later != []
    if isinstance(facts[-1], RunSucceeded):
        assert finals == []
    if finals and isinstance(facts[-1], RunFailed):
        assert facts[-1].action_id == finals[0].action_id


@given(st.binary(max_size=2_000), st.integers(0, 3))
def test_a_reply_context_comes_back_as_it_was(data: bytes, times: int) -> None:
    context = b"\xc3\x01" + data * 10**times
    assert command.unpack(command.pack(context)) == context


@given(st.binary(max_size=200))
def test_whatever_a_crm_returns_is_a_token_or_refused(data: bytes) -> None:
    result = CrmCommandResult(
        command_id="c",
        tenant_id="acme",
        module="leads",
        record_id="lead-1",
        outcome="applied",
        receipt=b"{}",
        answered_at_ms=0,
        reply_context=data,
    )
    try:
        command.carried_token(msgspec.structs.replace(result, reply_context=b"Z1" + data))
    except UnusableAnswer:
        pass
    else:
        raise AssertionError("random bytes were taken for a token")
