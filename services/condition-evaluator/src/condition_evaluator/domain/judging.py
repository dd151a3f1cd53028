"""Judging an event by each candidate workflow, and starting the runs that hold.

Everything an event leads to is decided here in one go: one `EventJudged`, the first token of each started
run, and the end of those that have nothing to do or can't be judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from condition_evaluator.domain.plans import plan
from condition_evaluator.domain.rate import RateMemory
from condition_evaluator.domain.verdict_sizes import with_verdicts_that_fit
from condition_evaluator.domain.versions import JudgingVersion, UnusableVersion, Versions
from signalbox_contracts.messages import (
    ActionRequested,
    ActionStep,
    Candidate,
    CrmEvent,
    EventJudged,
    JournalFact,
    Judgement,
    RunCanceled,
    RunFailed,
    RunsRequested,
    RunSucceeded,
)
from signalbox_rules.errors import TooMuchToJudge
from signalbox_rules.guards import Allowed, Refused
from signalbox_rules.record_context import NOT_PUBLISHED, RecordContext

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_SEQ = 1
CanceledBy = Callable[[str, str, int], str | None]
"""(run id, workflow id, when the event was appended in ms) → who canceled the run, if anybody did."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one request leads to: facts for the journal, in order, and the tokens of the runs that go on."""

    facts: tuple[JournalFact, ...]
    tokens: tuple[ActionRequested, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    judgement: Judgement
    end: JournalFact | None = None
    token: ActionRequested | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """What judging needs besides the request."""

    versions: Versions
    rate: RateMemory
    canceled_by: CanceledBy

    def judge(self, request: RunsRequested, event: CrmEvent, lane: bytes, now_ms: int) -> Judged:
        """Judges `event`, which is `request.event` decoded. Nothing in a record makes it raise."""
        judging = _Judging(self, request, event, lane, now_ms, _context(event))
        outcomes = [judging.outcome(candidate) for candidate in request.candidates]
        judged = EventJudged(
            tenant_id=request.tenant_id,
            event_id=event.event_id,
            module=event.module,
            event_name=event.event,
            record_id=event.record_id,
            occurred_at_ms=event.occurred_at_ms,
            judged_at_ms=now_ms,
            event=request.event,
            judgements=with_verdicts_that_fit([outcome.judgement for outcome in outcomes]),
            chain=event.chain,
            depth=event.depth,
        )
        ends = [outcome.end for outcome in outcomes if outcome.end is not None]
        tokens = [outcome.token for outcome in outcomes if outcome.token is not None]
        return Judged((judged, *ends), tuple(tokens))


def _context(event: CrmEvent) -> RecordContext:
    previous: Any = NOT_PUBLISHED if event.previous is None else msgspec.json.decode(event.previous)
    event_time = EPOCH + timedelta(milliseconds=event.occurred_at_ms)
    return RecordContext(msgspec.json.decode(event.record), previous, event_time)


@dataclass(frozen=True, slots=True)
class _Judging:
    """One request being judged."""

    judge: Judge
    request: RunsRequested
    event: CrmEvent
    lane: bytes
    now_ms: int
    context: RecordContext

    def outcome(self, candidate: Candidate) -> _Outcome:
        version = self.judge.versions.find(self.request.tenant_id, candidate.workflow_id, candidate.version)
        match version:
            case UnusableVersion(detail=detail):
                return self._unusable(candidate, detail)
            case JudgingVersion():
                return self._judged(candidate, version)
            case _:
                assert_never(version)

    def _judged(self, candidate: Candidate, version: JudgingVersion) -> _Outcome:
        judgement = self._judgement(candidate, version.name, version.version)
        if candidate.refusal is not None:
            return _Outcome(_refused(judgement, candidate.refusal.reason, candidate.refusal.detail))
        resume = self.request.resume
        if resume is None or resume.mode == "latest":
            try:
                verdict = version.condition.explain(self.context)
            except TooMuchToJudge as error:
                return _Outcome(judgement, self._failed(candidate, "too-much-to-judge", str(error)))
            judgement = replace(judgement, verdict=msgspec.json.encode(verdict))
            if not verdict.outcome:
                return _Outcome(replace(judgement, outcome="skipped", reason="conditions"))
        if resume is None:
            match self.judge.rate.decide(
                candidate.workflow_id, self.lane, candidate.run_id, self.context.event_time
            ):
                case Allowed():
                    pass
                case Refused(reason=reason, detail=detail):
                    return _Outcome(_refused(judgement, reason, detail))
                case decision:
                    assert_never(decision)
        return self._started(candidate, version, judgement)

    def _started(self, candidate: Candidate, version: JudgingVersion, judgement: Judgement) -> _Outcome:
        resume = self.request.resume
        to_do, kept = plan(version.steps, resume)
        judgement = replace(judgement, actions=version.outlines, completed=kept)
        canceled_by = self.judge.canceled_by(
            candidate.run_id, candidate.workflow_id, self.request.appended_at_ms
        )
        if canceled_by is not None:
            return _Outcome(judgement, self._canceled(candidate, to_do, canceled_by))
        if not to_do:
            return _Outcome(judgement, self._succeeded(candidate))
        token = ActionRequested(
            tenant_id=self.request.tenant_id,
            run_id=candidate.run_id,
            seq=FIRST_SEQ,
            workflow_id=version.workflow_id,
            workflow_name=version.name,
            version=version.version,
            module=self.event.module,
            record_id=self.event.record_id,
            event_id=self.event.event_id,
            event=self.request.event,
            record=None if resume is None else resume.record,
            run_started_at_ms=self.now_ms,
            actions=to_do,
            completed=kept,
            chain=self.event.chain,
            depth=self.event.depth,
            retry_of=judgement.retry_of,
        )
        return _Outcome(judgement, token=token)

    def _unusable(self, candidate: Candidate, detail: str) -> _Outcome:
        judgement = self._judgement(candidate, candidate.workflow_id, candidate.version)
        return _Outcome(judgement, self._failed(candidate, "unusable-version", detail))

    def _failed(self, candidate: Candidate, error_type: str, detail: str) -> RunFailed:
        return RunFailed(
            tenant_id=self.request.tenant_id,
            run_id=candidate.run_id,
            seq=FIRST_SEQ + 1,
            at_ms=self.now_ms,
            error_type=error_type,
            error_detail=detail,
        )

    def _canceled(self, candidate: Candidate, to_do: tuple[ActionStep, ...], canceled_by: str) -> RunCanceled:
        return RunCanceled(
            tenant_id=self.request.tenant_id,
            run_id=candidate.run_id,
            seq=FIRST_SEQ + 1,
            at_ms=self.now_ms,
            action_id=to_do[0].id if to_do else None,
            requested_by=canceled_by,
        )

    def _succeeded(self, candidate: Candidate) -> RunSucceeded:
        return RunSucceeded(
            tenant_id=self.request.tenant_id,
            run_id=candidate.run_id,
            seq=FIRST_SEQ + 1,
            at_ms=self.now_ms,
        )

    def _judgement(self, candidate: Candidate, workflow_name: str, version: int) -> Judgement:
        resume = self.request.resume
        return Judgement(
            run_id=candidate.run_id,
            workflow_id=candidate.workflow_id,
            workflow_name=workflow_name,
            version=version,
            outcome="started",
            retry_of=None if resume is None else resume.retry_of,
            retry_number=0 if resume is None else resume.retry_number,
        )


def _refused(judgement: Judgement, reason: str, detail: str) -> Judgement:
    return replace(judgement, outcome="refused", reason=reason, detail=detail)
