"""A backtest: what a workflow would have made of past events, counted, beside what its version makes of them.

events seen ⊇ matched by the trigger = would run + would skip (by the leaves to blame)
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from signalbox_contracts.definitions.document import WorkflowDefinition
from signalbox_rules.conditions import compile_condition
from signalbox_rules.listeners import ActiveWorkflow
from signalbox_rules.modules.registry import specific_events
from signalbox_rules.record_context import RecordContext
from signalbox_rules.triggers import TriggerIndex
from workflow_api.domain.blame import LeafName, Leaves, Meaning

SAMPLES_MAX: Final = 25
"""Records shown of each kind."""
PATTERNS_MAX: Final = 50_000
"""Patterns of leaves counted apart; then they are summed up and counted anew, so that memory is bounded."""


class Judge:
    """A definition, ready to judge many events."""

    def __init__(self, definition: WorkflowDefinition) -> None:
        trigger = definition.trigger
        self.definition = definition
        self.events = frozenset(specific_events(trigger.module, trigger.event))
        self.leaves = Leaves(definition.conditions)
        self._module = trigger.module
        self._is_narrowed = not (trigger.fields is None and trigger.from_ is None and trigger.to is None)
        self._index = TriggerIndex.build(
            [ActiveWorkflow("", "", 1, definition.name, trigger, definition.reentry)]
        )
        self._condition = compile_condition(definition.conditions)

    def triggers(self, event: str, context: RecordContext) -> bool:
        """Whether the trigger names the event, narrowing included."""
        if event not in self.events:
            return False
        if not self._is_narrowed:
            return True
        return bool(self._index.match("", self._module, event, lambda: (context.record, context.previous)))

    def runs(self, event: str, context: RecordContext) -> bool:
        """Whether the event would start a run."""
        return self.triggers(event, context) and self._condition.decide(context)

    def sentence(self, context: RecordContext) -> str:
        """Why."""
        return self._condition.explain(context).sentence


class PastEvent(msgspec.Struct, frozen=True, gc=False):
    """What a backtest looks at of an event."""

    event_id: str
    event: str
    record_id: str
    context: RecordContext


@dataclass(frozen=True, slots=True)
class Sample:
    """A record, and what would have become of it."""

    event_id: str
    record_id: str
    occurred_at: datetime
    would_run: bool
    sentence: str


@dataclass(slots=True)
class _Tally:
    """Events whose leaves held in one pattern, and what becomes of such."""

    meaning: Meaning
    count: int = 0


@dataclass(slots=True)
class Comparison:
    """Of the events that either form runs for."""

    now_only: int = 0
    then_only: int = 0
    both: int = 0
    samples_now_only: list[Sample] = field(default_factory=list)
    samples_then_only: list[Sample] = field(default_factory=list)


class Backtest:
    """Counts as events are fed. `then` is the form to try, `now` the version that judges events today."""

    def __init__(self, then: WorkflowDefinition, now: WorkflowDefinition | None) -> None:
        self._then = Judge(then)
        self._now = None if now is None else Judge(now)
        self.events = self._then.events | (frozenset() if self._now is None else self._now.events)
        self.events_seen = 0
        self.unreadable = 0
        self._tallies: dict[int, _Tally] = {}
        self._outcomes: Counter[bool] = Counter()
        self._blamed: Counter[str] = Counter()
        self._leaf_names: dict[str, LeafName] = {}
        self._samples: dict[bool, list[Sample]] = {True: [], False: []}
        self._comparison = Comparison()

    def feed(self, past: PastEvent) -> None:
        """Takes in an event whose name is one of `events`; the caller counts `events_seen`."""
        then, context = self._then, past.context
        runs_then = False
        if then.triggers(past.event, context):
            pattern = then.leaves.pattern(context)
            tally = self._tallies.get(pattern) or self._new_tally(pattern)
            tally.count += 1
            runs_then = tally.meaning.outcome
            samples = self._samples[runs_then]
            if len(samples) < SAMPLES_MAX:
                samples.append(_sample(then, past, runs_then))
        if self._now is not None:
            self._compare(self._now, past, runs_then)

    def result(self) -> dict[str, Any]:
        """Everything counted, as JSON."""
        self._sum_up()
        leaves = [
            {**asdict(self._leaf_names[pointer]), "count": count}
            for pointer, count in self._blamed.most_common()
        ]
        would_run, would_skip = self._outcomes[True], self._outcomes[False]
        actions = [
            {"id": action.id, "type": action.type, "count": would_run}
            for action in self._then.definition.actions
        ]
        samples = [*self._samples[True], *self._samples[False]]
        return {
            "events_seen": self.events_seen,
            "unreadable": self.unreadable,
            "matched": would_run + would_skip,
            "would_run": would_run,
            "would_skip": would_skip,
            "skipped_by_leaf": leaves,
            "actions": actions,
            "samples": [_shown(sample) for sample in samples],
            "compared": None if self._now is None else self._compared(),
        }

    def _compared(self) -> dict[str, Any]:
        counts = self._comparison
        return {
            "now_only": counts.now_only,
            "then_only": counts.then_only,
            "both": counts.both,
            "samples_now_only": [_shown(sample) for sample in counts.samples_now_only],
            "samples_then_only": [_shown(sample) for sample in counts.samples_then_only],
        }

    def _new_tally(self, pattern: int) -> _Tally:
        if len(self._tallies) >= PATTERNS_MAX:
            self._sum_up()
        tally = self._tallies[pattern] = _Tally(self._then.leaves.meaning(pattern))
        return tally

    def _sum_up(self) -> None:
        for tally in self._tallies.values():
            self._outcomes[tally.meaning.outcome] += tally.count
            for leaf in tally.meaning.blamed:
                self._blamed[leaf.pointer] += tally.count
                self._leaf_names[leaf.pointer] = leaf
        self._tallies.clear()

    def _compare(self, now: Judge, past: PastEvent, runs_then: bool) -> None:
        counts = self._comparison
        match now.runs(past.event, past.context), runs_then:
            case True, True:
                counts.both += 1
            case True, False:
                counts.now_only += 1
                if len(counts.samples_now_only) < SAMPLES_MAX:
                    counts.samples_now_only.append(_sample(self._then, past, False))
            case False, True:
                counts.then_only += 1
                if len(counts.samples_then_only) < SAMPLES_MAX:
                    counts.samples_then_only.append(_sample(self._then, past, True))
            case _:
                pass


def _sample(judge: Judge, past: PastEvent, would_run: bool) -> Sample:
    triggered = judge.triggers(past.event, past.context)
    sentence = judge.sentence(past.context) if triggered else "the trigger does not match"
    return Sample(past.event_id, past.record_id, past.context.event_time, would_run, sentence)


def _shown(sample: Sample) -> dict[str, Any]:
    return {**asdict(sample), "occurred_at": sample.occurred_at.astimezone(UTC).isoformat()}
