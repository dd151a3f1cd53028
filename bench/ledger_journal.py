"""The facts that the ledger is measured with: what the services write of events as issue "Speed" mixes them.

Half of the events are skipped, the others start a run of four facts: judged, two actions, the end; every
tenth fails. Facts come in the order of their times, so those of runs in flight lie between each other's: at
8,000 events a second and 0.4 s a run about 1,600 runs are open, as under load; a month's history, at one
event a second, has none.
"""

import heapq
import itertools
import random
from collections.abc import Iterator
from typing import Any

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import (
    ActionFailed,
    ActionOutline,
    ActionSucceeded,
    CrmEvent,
    EventJudged,
    JournalFact,
    Judgement,
    RunFailed,
    RunSucceeded,
)
from signalbox_runtime.records import Inbound, TopicPartition

WORKFLOWS = 20
RECORDS = 50_000
DESTINATIONS = 50
JOURNAL = TopicPartition(topics.RUNS_JOURNAL, 0)
ACTIONS = tuple(
    ActionOutline(id=name, type="webhook", parameters_hash="a" * 64) for name in ("tell-erp", "tell-team")
)
RECORD = (
    b'{"id":"lead","name":"Ada Byron","source":"Web Form","amount":75000,"priority":"High","owner":"u-1"}'
)
VERDICT = (
    b'{"outcome":true,"sentence":"source was Web Form and amount was 75,000","tree":{"all":['
    b'{"field":"source","op":"equals","value":"Web Form","actual":"Web Form","previous":null,"outcome":true},'
    b'{"field":"amount","op":"greater_than","value":50000,"actual":75000,"previous":null,"outcome":true}]}}'
)
RECEIPT = b'{"status":200,"body_sha256":"' + b"0" * 64 + b'"}'


class Journal:
    """Facts without end from `now_ms` on, at the pace last set."""

    def __init__(self, now_ms: int, events_per_second: float) -> None:
        self.runs = 0
        self.offset = 0
        self.events_per_second = events_per_second
        self._now_ms = float(now_ms)
        self._random = random.Random(7)
        self._events = itertools.count(1)
        self._told = itertools.count()
        self._due: list[tuple[float, int, JournalFact]] = []

    def go_to(self, now_ms: int, events_per_second: float) -> None:
        """Goes on from another time, at another pace."""
        self._now_ms, self.events_per_second = float(now_ms), events_per_second

    def facts(self, size: int) -> list[JournalFact]:
        """The next facts."""
        taken: list[JournalFact] = []
        while len(taken) < size:
            if self._due and self._due[0][0] <= self._now_ms:
                taken.append(heapq.heappop(self._due)[2])
            else:
                self._now_ms += 1_000 / self.events_per_second
                self._happen(int(self._now_ms))
        self.offset += len(taken)
        return taken

    def records(self, size: int) -> list[Inbound]:
        """The next facts as they come from Kafka."""
        first = self.offset
        return [record(fact, first + number) for number, fact in enumerate(self.facts(size))]

    def _happen(self, at_ms: int) -> None:
        event = next(self._events)
        for fact_at_ms, fact in self._event(f"evt-{event}", at_ms, event % 2 == 0):
            heapq.heappush(self._due, (fact_at_ms, next(self._told), fact))

    def _event(self, event_id: str, at_ms: int, starts: bool) -> Iterator[tuple[int, JournalFact]]:
        workflow_id = f"wf-{self._random.randrange(WORKFLOWS)}"
        record_id = f"lead-{self._random.randrange(RECORDS)}"
        run_id = ids.run_id(at_ms, "demo", event_id, workflow_id)
        event = CrmEvent(
            tenant_id="demo",
            event_id=event_id,
            module="leads",
            event="updated",
            record_id=record_id,
            occurred_at_ms=at_ms,
            record=RECORD,
            previous=RECORD,
        )
        judgement = Judgement(
            run_id=run_id,
            workflow_id=workflow_id,
            workflow_name="Welcome big web leads",
            version=3,
            outcome="started" if starts else "skipped",
            reason=None if starts else "conditions",
            verdict=VERDICT,
            actions=ACTIONS if starts else (),
        )
        judged = EventJudged(
            tenant_id="demo",
            event_id=event_id,
            module="leads",
            event_name="updated",
            record_id=record_id,
            occurred_at_ms=at_ms,
            judged_at_ms=at_ms,
            event=codec.encode(event),
            judgements=(judgement,),
        )
        yield at_ms, judged
        if starts:
            self.runs += 1
            yield from self._actions(run_id, at_ms)

    def _actions(self, run_id: str, at_ms: int) -> Iterator[tuple[int, JournalFact]]:
        about: dict[str, Any] = {"tenant_id": "demo", "run_id": run_id}
        took_ms = self._random.randrange(5, 400)
        for index, action in enumerate(ACTIONS):
            done_ms = at_ms + took_ms * (index + 1)
            tried: dict[str, Any] = {
                **about,
                "seq": index + 2,
                "at_ms": done_ms,
                "action_id": action.id,
                "index": index,
                "type": action.type,
                "attempt": 1,
                "started_at_ms": done_ms - took_ms,
                "finished_at_ms": done_ms,
                "effect_key": "e" * 64,
            }
            if index == 1 and self._random.randrange(10) == 0:
                detail = f"POST https://erp-{self._random.randrange(DESTINATIONS)}.example/leads answered 500"
                error: dict[str, Any] = {"error_type": "http-status", "error_detail": detail}
                yield done_ms, ActionFailed(**tried, **error, final=True)
                yield done_ms, RunFailed(**about, seq=4, at_ms=done_ms, action_id=action.id, **error)
                return
            yield done_ms, ActionSucceeded(**tried, receipt=RECEIPT)
        yield done_ms, RunSucceeded(**about, seq=4, at_ms=done_ms)


def record(fact: JournalFact, offset: int) -> Inbound:
    """A fact as it comes from Kafka."""
    return Inbound(
        topic=JOURNAL.topic,
        partition=JOURNAL.partition,
        offset=offset,
        timestamp_ms=0,
        key=b"",
        value=codec.encode(fact),
    )
