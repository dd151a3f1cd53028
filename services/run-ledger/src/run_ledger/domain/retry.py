"""What a Retry repeats and what it keeps.

A Retry never repeats an action that succeeded, unless asked to. What earlier runs of the same event did
counts along the whole line of retries, so what the new run is told is complete by itself.

Effect keys stay the same, so that whoever was called before recognises the call, with two exceptions that
get the next key generation: a command that the CRM rejected (it remembers the rejection under the old key),
and an action that succeeded and is done again (because `repeat_completed` asks for it, or because the latest
version changed its parameters: then the old key would hide the change).
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from run_ledger.domain.records import AttemptRecord, RunRecord, kept_of, outline_of
from signalbox_contracts import ids
from signalbox_contracts.messages import CompletedAction

Mode = Literal["pinned", "latest"]
CRM_REJECTED = "crm-rejected"


class PastRun(msgspec.Struct, frozen=True):
    """A run of the line of retries, with the record as its CRM actions left it."""

    run: RunRecord
    attempts: tuple[AttemptRecord, ...]
    record: bytes | None


class RetryPlan(msgspec.Struct, frozen=True):
    """What the new run is told."""

    completed: tuple[CompletedAction, ...]
    record: bytes | None
    key_generations: dict[str, int]


class PlannedAction(msgspec.Struct, frozen=True):
    """What a Retry does with one action, and why."""

    id: str
    type: str
    outcome: Literal["will_run", "will_not_repeat", "unknown"]
    why: str


def plan(line: Sequence[PastRun], mode: Mode, *, repeat_completed: bool) -> RetryPlan:
    """The plan for a Retry of `line[0]`; the rest of the line are the runs that it repeated, newest first."""
    done = succeeded(line[0])
    generations: dict[str, int] = {}
    for outline in outline_of(line[0].run):
        last = _last_attempt(line, outline.id)
        if last is None:
            continue
        past, attempt = last
        generation = _generation(past.run, attempt)
        if attempt.error_type == CRM_REJECTED or (
            attempt.outcome == "success" and (repeat_completed or mode == "latest")
        ):
            generation += 1
        if generation:
            generations[outline.id] = generation
    if repeat_completed:
        return RetryPlan((), None, generations)
    record = next((past.record for past in line if past.record is not None), None)
    return RetryPlan(tuple(done.values()), record, generations)


def preview(line: Sequence[PastRun], mode: Mode, *, repeat_completed: bool) -> list[PlannedAction]:
    """What a Retry would do with each action."""
    done = succeeded(line[0])
    return [
        _planned(outline.id, outline.type, line, done, mode, repeat_completed=repeat_completed)
        for outline in outline_of(line[0].run)
    ]


def succeeded(past: PastRun) -> dict[str, CompletedAction]:
    """The actions that are done, by this run or by those that it repeated, in their order."""
    kept = kept_of(past.run)
    receipts = {
        attempt.action_id: attempt.receipt for attempt in past.attempts if attempt.outcome == "success"
    }
    done: dict[str, CompletedAction] = {}
    for outline in outline_of(past.run):
        if outline.id in kept:
            done[outline.id] = kept[outline.id]
        elif outline.id in receipts:
            done[outline.id] = CompletedAction(
                id=outline.id,
                type=outline.type,
                status="success",
                parameters_hash=outline.parameters_hash,
                receipt=receipts[outline.id] or b"null",
            )
    return done


def _last_attempt(line: Sequence[PastRun], action_id: str) -> tuple[PastRun, AttemptRecord] | None:
    for past in line:
        tries = [
            attempt for attempt in past.attempts if attempt.action_id == action_id and attempt.effect_key
        ]
        if tries:
            return past, max(tries, key=lambda attempt: attempt.seq)
    return None


def _generation(run: RunRecord, attempt: AttemptRecord) -> int:
    """Which generation an effect key is of; each run of the line can have begun one more."""
    for generation in range(run.retry_number + 1):
        key = ids.effect_key(run.tenant_id, run.event_id, run.workflow_id, attempt.action_id, generation)
        if key == attempt.effect_key:
            return generation
    return 0


def _planned(
    action_id: str,
    action_type: str,
    line: Sequence[PastRun],
    done: dict[str, CompletedAction],
    mode: Mode,
    *,
    repeat_completed: bool,
) -> PlannedAction:
    if action_id in done:
        if repeat_completed:
            return PlannedAction(
                action_id, action_type, "will_run", "It succeeded, and is repeated because you ask for it."
            )
        if mode == "pinned":
            return PlannedAction(
                action_id, action_type, "will_not_repeat", "It succeeded; its receipt is kept."
            )
        return PlannedAction(
            action_id,
            action_type,
            "unknown",
            "It succeeded, and is repeated only if the current version changed its parameters.",
        )
    last = _last_attempt(line, action_id)
    if last is None:
        why = "It was not reached."
    elif last[1].error_type == CRM_REJECTED:
        why = "The CRM rejected it; it is asked again under a new key."
    elif last[1].outcome == "failed":
        why = "It failed."
    else:
        why = "Its outcome is unknown; the same key goes with it, so that a repeat can be recognised."
    return PlannedAction(action_id, action_type, "will_run", why)
