"""Given published versions, when a request comes, then it is judged so and these runs start."""

from typing import Any

import msgspec
import pytest

from condition_evaluator.domain.judging import Judge, Judged
from condition_evaluator.domain.rate import RateMemory
from condition_evaluator.domain.verdict_sizes import VERDICTS_MAX_BYTES, with_verdicts_that_fit
from condition_evaluator.domain.versions import Versions
from signalbox_contracts import codec, ids
from signalbox_contracts.definitions.document import parse_definition, to_bytes
from signalbox_contracts.messages import (
    ActionStep,
    Candidate,
    CompletedAction,
    CrmEvent,
    EventJudged,
    Judgement,
    Refusal,
    Resume,
    RunCanceled,
    RunFailed,
    RunsRequested,
    RunSucceeded,
    WorkflowState,
    WorkflowVersion,
)
from signalbox_runtime.loops.transform import BATCH_MAX_RECORDS

HAPPENED_MS = 1_795_428_000_000
NOW_MS = HAPPENED_MS + 40
LANE = ids.lane("demo", "leads", "lead-1")
MAIL: dict[str, Any] = {
    "type": "send_email",
    "id": "mail",
    "with": {"to": ["a@example.com"], "subject": "Hi"},
}
TASK: dict[str, Any] = {"type": "create_task", "id": "task", "with": {"subject": "Call"}, "timeout": "PT5S"}


def versions(*actions: dict[str, Any], number: int = 1) -> Versions:
    document = {
        "name": "Big leads",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {"field": "amount", "op": "greater_than", "value": 50_000},
        "actions": list(actions) or [MAIL, TASK],
    }
    known = Versions()
    known.apply(
        WorkflowVersion(
            tenant_id="demo",
            workflow_id="w-1",
            version=number,
            definition=to_bytes(parse_definition(document)),
            published_at_ms=HAPPENED_MS,
            published_by="u-1",
        )
    )
    known.apply(
        WorkflowState(
            tenant_id="demo",
            workflow_id="w-1",
            name="Big leads",
            status="active",
            version=number,
            changed_at_ms=HAPPENED_MS,
            changed_by="u-1",
        )
    )
    return known


def event_of(amount: int, event_id: str = "evt-1") -> CrmEvent:
    return CrmEvent(
        tenant_id="demo",
        event_id=event_id,
        module="leads",
        event="created",
        record_id="lead-1",
        occurred_at_ms=HAPPENED_MS,
        record=msgspec.json.encode({"id": "lead-1", "amount": amount}),
        previous=b"null",
    )


def judged(
    known: Versions,
    event: CrmEvent,
    *,
    version: int = 1,
    refusal: Refusal | None = None,
    resume: Resume | None = None,
    canceled_by: str | None = None,
    rate: RateMemory | None = None,
) -> Judged:
    run_id = ids.run_id(HAPPENED_MS, "demo", event.event_id, "w-1")
    request = RunsRequested(
        tenant_id="demo",
        event=codec.encode(event),
        appended_at_ms=HAPPENED_MS + 5,
        candidates=(Candidate(workflow_id="w-1", version=version, run_id=run_id, refusal=refusal),),
        resume=resume,
    )
    judge = Judge(known, rate or RateMemory(), lambda _run, _workflow, _appended: canceled_by)
    return judge.judge(request, event, LANE, NOW_MS)


def judgement_of(result: Judged) -> Judgement:
    (fact,) = [fact for fact in result.facts if isinstance(fact, EventJudged)]
    (judgement,) = fact.judgements
    return judgement


def retry(mode: str = "pinned", *completed: CompletedAction, **rest: Any) -> Resume:
    return msgspec.convert(
        {
            "retry_of": "run-before",
            "retry_number": 1,
            "mode": mode,
            "requested_by": "u-1",
            "requested_at_ms": NOW_MS,
            "completed": [msgspec.structs.asdict(action) for action in completed],
            **rest,
        },
        Resume,
    )


def done(step: ActionStep, status: Any = "success") -> CompletedAction:
    return CompletedAction(
        id=step.id, type=step.type, status=status, parameters_hash=step.parameters_hash, receipt=b'{"kept":1}'
    )


def first_steps(known: Versions) -> tuple[ActionStep, ...]:
    return judged(known, event_of(75_000)).tokens[0].actions


def test_a_run_starts_where_the_conditions_hold() -> None:
    result = judged(versions(), event_of(75_000))
    judgement = judgement_of(result)
    assert judgement.outcome == "started"
    assert [action.id for action in judgement.actions] == ["mail", "task"]
    assert msgspec.json.decode(judgement.verdict or b"")["outcome"] is True
    (token,) = result.tokens
    assert (token.run_id, token.seq, token.attempt) == (judgement.run_id, 1, 1)
    assert [(step.id, step.index) for step in token.actions] == [("mail", 0), ("task", 1)]
    assert token.actions[1].timeout_ms == 5_000
    assert codec.decode(token.event, CrmEvent).event_id == "evt-1"


def test_a_run_is_skipped_with_its_verdict_where_they_do_not() -> None:
    result = judged(versions(), event_of(42_000))
    judgement = judgement_of(result)
    assert (judgement.outcome, judgement.reason, judgement.actions) == ("skipped", "conditions", ())
    assert "42,000" in msgspec.json.decode(judgement.verdict or b"")["sentence"]
    assert result.tokens == ()


def test_what_the_router_refused_stays_refused() -> None:
    result = judged(versions(), event_of(75_000), refusal=Refusal(reason="loop", detail="again"))
    judgement = judgement_of(result)
    assert (judgement.outcome, judgement.reason, judgement.detail) == ("refused", "loop", "again")
    assert result.tokens == ()


def test_more_than_twenty_runs_on_a_record_are_refused_and_judging_one_again_counts_once() -> None:
    known, rate = versions(), RateMemory()
    outcomes = []
    for number in range(22):
        for _ in range(2):
            result = judged(known, event_of(75_000, f"evt-{number}"), rate=rate)
        outcomes.append(judgement_of(result).reason)
    assert outcomes == [None] * 20 + ["rate"] * 2


def test_a_whole_batch_on_one_record_is_judged_the_same_again_after_an_abort() -> None:
    known, rate = versions(), RateMemory()

    def batch() -> list[str | None]:
        events = [event_of(75_000, f"evt-{number}") for number in range(BATCH_MAX_RECORDS)]
        return [judgement_of(judged(known, event, rate=rate)).reason for event in events]

    first = batch()
    assert first.count(None) == 20
    assert batch() == first


def test_a_retry_on_the_pinned_version_judges_nothing_and_resumes_after_what_succeeded() -> None:
    known = versions()
    mail, _ = first_steps(known)
    result = judged(known, event_of(42_000), resume=retry("pinned", done(mail), record=b'{"id":"lead-1"}'))
    judgement = judgement_of(result)
    assert (judgement.outcome, judgement.verdict, judgement.retry_of) == ("started", None, "run-before")
    assert [action.id for action in judgement.completed] == ["mail"]
    (token,) = result.tokens
    assert [step.id for step in token.actions] == ["task"]
    assert token.completed[0].receipt == b'{"kept":1}'
    assert token.record == b'{"id":"lead-1"}'


def test_a_failed_action_is_done_again_with_its_new_key_generation() -> None:
    known = versions()
    mail, task = first_steps(known)
    resume = retry("pinned", done(mail), done(task, "failed"), key_generations={"task": 2})
    (token,) = judged(known, event_of(75_000), resume=resume).tokens
    assert [(step.id, step.key_generation) for step in token.actions] == [("task", 2)]


def test_a_retry_on_the_latest_version_judges_again_and_repeats_an_edited_action() -> None:
    mail, task = first_steps(versions())
    later = versions(MAIL, {**TASK, "with": {"subject": "Call at once"}}, number=2)
    resume = retry("latest", done(mail), done(task))
    result = judged(later, event_of(75_000), version=0, resume=resume)
    assert judgement_of(result).version == 2
    assert [step.id for step in result.tokens[0].actions] == ["task"]
    assert judgement_of(judged(later, event_of(42_000), version=0, resume=resume)).reason == "conditions"


def test_a_retry_with_nothing_left_to_do_succeeds() -> None:
    known = versions()
    result = judged(known, event_of(75_000), resume=retry("latest", *map(done, first_steps(known))))
    assert result.tokens == ()
    assert isinstance(result.facts[1], RunSucceeded)
    assert result.facts[1].seq == 2


def test_a_canceled_run_does_nothing() -> None:
    result = judged(versions(), event_of(75_000), canceled_by="u-2")
    assert result.tokens == ()
    ended = result.facts[1]
    assert isinstance(ended, RunCanceled)
    assert (ended.requested_by, ended.action_id, ended.seq) == ("u-2", "mail", 2)


def test_a_version_that_is_nowhere_fails_the_run_with_what_to_do() -> None:
    result = judged(versions(), event_of(75_000), version=9)
    ended = result.facts[1]
    assert isinstance(ended, RunFailed)
    assert "Version 9" in ended.error_detail
    assert "Publish" in ended.error_detail
    assert result.tokens == ()


def test_verdicts_too_large_for_one_message_keep_their_sentence() -> None:
    """Hundreds of comparisons in dozens of workflows: the message would stop the events of every tenant."""
    tree = {"all": [{"field": "x" * 200, "actual": "y" * 200, "outcome": False}] * 500, "outcome": False}
    large = msgspec.json.encode({"outcome": False, "sentence": "amount was 42,000", "tree": tree})
    small = msgspec.json.encode({"outcome": True, "sentence": "no conditions", "tree": None})
    before = [
        Judgement(
            run_id=f"run-{number}",
            workflow_id=f"w-{number}",
            workflow_name="w",
            version=1,
            outcome="skipped",
            verdict=small if number % 5 == 0 else large,
        )
        for number in range(30)
    ]
    after = with_verdicts_that_fit(before)
    assert sum(len(judgement.verdict or b"") for judgement in after) <= VERDICTS_MAX_BYTES
    assert [judgement.run_id for judgement in after] == [judgement.run_id for judgement in before]
    for old, new in zip(before, after, strict=True):
        verdict = msgspec.json.decode(new.verdict or b"")
        assert verdict["outcome"] is (old.verdict is small)
        assert new == old or (verdict["tree"], verdict["sentence"][:17]) == (None, "amount was 42,000")
    kept_whole = [new.verdict is large for new in after if new.verdict is not small]
    assert True in kept_whole, "no more is left out than has to be"
    assert with_verdicts_that_fit(before[:2]) == tuple(before[:2])


@pytest.mark.parametrize("record", [b"{}", b'{"amount":null}', b'{"amount":{"a":[]}}', b'{"amount":"many"}'])
def test_no_record_makes_it_raise(record: bytes) -> None:
    event = msgspec.structs.replace(event_of(1), record=record)
    assert judgement_of(judged(versions(), event)).outcome == "skipped"


def test_what_is_too_much_to_judge_ends_its_own_run_and_no_other() -> None:
    """40 patterns on a long text took minutes, and the evaluator ended at every start."""
    known = versions()
    hostile = {
        "name": "Hostile",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {"field": "notes", "op": "matches", "value": "((Ä|ö|Ü){1,100}){1,10}q"},
        "actions": [MAIL],
    }
    known.apply(
        WorkflowVersion(
            tenant_id="demo",
            workflow_id="w-2",
            version=1,
            definition=to_bytes(parse_definition(hostile)),
            published_at_ms=HAPPENED_MS,
            published_by="u-1",
        )
    )
    record = msgspec.json.encode({"amount": 75_000, "notes": "Äö" * 30_000})
    event = msgspec.structs.replace(event_of(75_000), record=record)
    candidates = tuple(
        Candidate(run_id=f"run-{workflow_id}", workflow_id=workflow_id, version=1)
        for workflow_id in ("w-2", "w-1")
    )
    request = RunsRequested(
        tenant_id="demo",
        event=codec.encode(event),
        candidates=candidates,
        appended_at_ms=HAPPENED_MS,
    )
    judged = Judge(known, RateMemory(), lambda *_: None).judge(request, event, LANE, NOW_MS)
    facts = {type(fact): fact for fact in judged.facts}
    failed = facts[RunFailed]
    assert isinstance(failed, RunFailed)
    assert (failed.run_id, failed.error_type) == ("run-w-2", "too-much-to-judge")
    assert "notes is too much to judge" in (failed.error_detail or "")
    assert [token.run_id for token in judged.tokens] == ["run-w-1"]
