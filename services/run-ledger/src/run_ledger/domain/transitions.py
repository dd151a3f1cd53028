"""How facts move a run.

    from               fact                   to
    -                  EventJudged started    running
    -                  EventJudged skipped    skipped     its conditions did not hold, or it ran too often
    -                  EventJudged refused    skipped     the loop guard
    running, waiting   ActionStarted          running     the call is about to be made (on_unknown: hold)
    running, waiting   ActionSucceeded        running
    running, waiting   ActionFailed           running     to be tried again; or for good, then more follows
    running, waiting   RunWaiting             waiting     for a retry, the CRM or a person
    running, waiting   RunSucceeded           success
    running, waiting   RunFailed              failed
    running, waiting   RunCanceled            canceled
    an end             ActionStarted          the same    ignored and counted: a run ends once
    an end             ActionSucceeded        the same    ignored and counted
    an end             ActionFailed           the same    ignored and counted
    an end             RunWaiting             the same    ignored and counted
    an end             RunSucceeded           the same    ignored and counted
    an end             RunFailed              the same    ignored and counted
    an end             RunCanceled            the same    ignored and counted
    any                EventJudged            the same    ignored: an event told again counts once
    any                LateResult             the same    kept beside the run: it moves nothing
    any                RunRedacted            the same    erases content, never a state

`skipped`, `success`, `failed` and `canceled` are ends. Where a run stands depends on its latest fact alone,
and an end outlasts everything: so the order in which facts are met does not matter, only their `seq` does.
`canceling` is `running` or `waiting` with a request to cancel; the request is not a fact, see `story`.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

from signalbox_contracts.messages import (
    ActionFact,
    ActionFailed,
    ActionStarted,
    ActionSucceeded,
    Judgement,
    RunCanceled,
    RunFailed,
    RunSucceeded,
    RunWaiting,
)

SeqFact: TypeAlias = (
    ActionStarted | ActionSucceeded | ActionFailed | RunWaiting | RunSucceeded | RunFailed | RunCanceled
)
"""The facts after a run's first."""


class Place(msgspec.Struct, frozen=True):
    """The attempt that a fact is about."""

    action_id: str
    index: int
    type: str
    attempt: int


class RunError(msgspec.Struct, frozen=True):
    """Why a run failed; `action_id` is None where no action did."""

    action_id: str | None
    type: str
    detail: str


class Running(msgspec.Struct, frozen=True):
    """Somebody holds the token. `last` is the attempt last heard of; None before the first."""

    last: Place | None = None


class Waiting(msgspec.Struct, frozen=True):
    """The run waits; a person has no deadline."""

    action: Place
    waiting_for: Literal["retry", "crm", "person"]
    deadline_ms: int | None
    reason: str | None


class Succeeded(msgspec.Struct, frozen=True):
    """Every action succeeded."""


class Failed(msgspec.Struct, frozen=True):
    """Over with an error; `dead_letter` is the place of the message that ended it, where one did."""

    error: RunError
    dead_letter: str | None


class Skipped(msgspec.Struct, frozen=True):
    """Judged, and not started."""

    reason: Literal["conditions", "loop", "rate"]
    detail: str | None


class Canceled(msgspec.Struct, frozen=True):
    """Ended by a person; `action_id` is the first action not done."""

    action_id: str | None
    requested_by: str


RunState: TypeAlias = Running | Waiting | Succeeded | Failed | Skipped | Canceled


class Standing(msgspec.Struct, frozen=True):
    """Where a run stands: its state, and the number and time of the fact that says so."""

    seq: int
    at_ms: int
    state: RunState


def judged(judgement: Judgement, judged_at_ms: int) -> Standing:
    """Where a run stands after its first fact."""
    match judgement.outcome:
        case "started":
            return Standing(1, judged_at_ms, Running())
        case "skipped" | "refused":
            return Standing(1, judged_at_ms, Skipped(judgement.reason or "conditions", judgement.detail))
        case _:
            assert_never(judgement.outcome)


def standing_after(fact: SeqFact) -> Standing:
    """Where a run that has not ended stands after `fact`."""
    return Standing(fact.seq, fact.at_ms, _state_after(fact))


def _state_after(fact: SeqFact) -> RunState:
    match fact:
        case ActionStarted() | ActionSucceeded() | ActionFailed():
            return Running(place(fact))
        case RunWaiting():
            return Waiting(place(fact), fact.waiting_for, fact.deadline_ms, fact.reason)
        case RunSucceeded():
            return Succeeded()
        case RunFailed():
            return Failed(RunError(fact.action_id, fact.error_type, fact.error_detail), fact.dead_letter)
        case RunCanceled():
            return Canceled(fact.action_id, fact.requested_by)
        case _:
            assert_never(fact)


def place(fact: ActionFact) -> Place:
    """The attempt that `fact` is about."""
    return Place(fact.action_id, fact.index, fact.type, fact.attempt)


_ENDS = (Succeeded, Failed, Skipped, Canceled)


def ended(state: RunState) -> bool:
    """Whether nothing moves a run from here."""
    return isinstance(state, _ENDS)


def later(one: Standing, other: Standing) -> Standing:
    """Which of two standings of one run counts: the first end, else the one of the later fact.

    Commutative, associative, and the same again for the same twice.
    """
    match ended(one.state), ended(other.state):
        case True, True:
            return one if one.seq <= other.seq else other
        case True, False:
            return one
        case False, True:
            return other
        case _:
            return one if one.seq >= other.seq else other


def status(state: RunState) -> str:
    """A state's name, as in design.md section 1."""
    match state:
        case Running():
            return "running"
        case Waiting():
            return "waiting"
        case Succeeded():
            return "success"
        case Failed():
            return "failed"
        case Skipped():
            return "skipped"
        case Canceled():
            return "canceled"
        case _:
            assert_never(state)
