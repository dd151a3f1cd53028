"""The ledger: how fast facts become rows, and how fast rows are found, with one million runs in the history.

Half of the events are skipped, the others make a run of four facts (judged, two actions, success; every tenth
fails). Facts go through decoding, fold and PostgreSQL as in the service; Kafka is not in it. Reads go through
the whole API but its socket. `SIGNALBOX_BENCH_RUNS` sets another number of runs.
"""

import asyncio
import gc
import os
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

import run_ledger
from run_ledger.adapters import api
from run_ledger.adapters.changes import Changes
from run_ledger.adapters.projection_store import ProjectionStore
from run_ledger.adapters.stuck import StuckRuns
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
from signalbox_embedded.postgres import EmbeddedPostgres
from signalbox_runtime.auth import KeyRecord, Principal, Role
from signalbox_runtime.clock import SystemClock
from signalbox_runtime.database import create_engine, migrate
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.readiness import Readiness
from signalbox_runtime.records import Inbound, TopicPartition

RUNS = int(os.environ.get("SIGNALBOX_BENCH_RUNS", "1000000"))
BATCH_FACTS = 4_000
MEASURED_EVENTS = 60_000
WORKFLOWS = 20
RECORDS = 50_000
DAYS = 30
READS = 400
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


def run() -> list[dict[str, Any]]:
    """Measures on a PostgreSQL of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder), durable=True) as postgres,
    ):
        migrate(postgres.url, ("ledger", "history"), Path(run_ledger.__path__[0]) / "migrations")
        results = _facts(postgres.url)
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        return results + asyncio.run(_reads(postgres.url))


def _facts(url: str) -> list[dict[str, Any]]:
    store = ProjectionStore(url, "bench")
    store.claim([JOURNAL])
    journal = _Journal()
    empty = _measured(store, journal)
    while journal.runs < RUNS:
        store.store(store.prepare(journal.batch(BATCH_FACTS)))
    full = [_measured(store, journal) for _ in range(3)]
    store.close()
    name = "ledger.facts_per_second"
    return [
        {
            "name": name,
            "value": round(sorted(full)[1]),
            "unit": "facts/s",
            "runs": [round(each) for each in full],
        },
        {"name": f"{name}_empty", "value": round(empty), "unit": "facts/s", "runs": [round(empty)]},
    ]


def _measured(store: ProjectionStore, journal: "_Journal") -> float:
    batches = [journal.batch(BATCH_FACTS) for _ in range(MEASURED_EVENTS * 5 // 2 // BATCH_FACTS)]
    gc.collect()
    gc.freeze()  # what was made for the measurement is no part of it
    begun = time.perf_counter()
    with ThreadPoolExecutor(1) as executor:  # as `signalbox_runtime.projection` does
        storing = executor.submit(store.store, store.prepare(batches[0]))
        for batch in batches[1:]:
            prepared = store.prepare(batch)
            storing.result()
            storing = executor.submit(store.store, prepared)
        storing.result()
    return sum(map(len, batches)) / (time.perf_counter() - begun)


class _Journal:
    """Facts without end, spread over the last days."""

    def __init__(self) -> None:
        self.runs = 0
        self._offset = 0
        self._random = random.Random(7)
        self._now_ms = SystemClock().now_ms()
        self._facts = self._endless()

    def batch(self, size: int) -> list[Inbound]:
        records = []
        for _ in range(size):
            message = next(self._facts)
            records.append(
                Inbound(
                    topic=JOURNAL.topic,
                    partition=JOURNAL.partition,
                    offset=self._offset,
                    timestamp_ms=self._now_ms,
                    key=b"",
                    value=codec.encode(message),
                )
            )
            self._offset += 1
        return records

    def _endless(self) -> Iterator[JournalFact]:
        events = max(RUNS * 2, 1)
        number = 0
        while True:
            number += 1
            share = min(number / events, 1.0)
            at_ms = self._now_ms - round((1 - share) * DAYS * 86_400_000)
            yield from self._event(f"evt-{number}", at_ms, number % 2 == 0)

    def _event(self, event_id: str, at_ms: int, starts: bool) -> Iterator[JournalFact]:
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
        yield EventJudged(
            tenant_id="demo",
            event_id=event_id,
            module="leads",
            event_name="updated",
            record_id=record_id,
            occurred_at_ms=at_ms,
            judged_at_ms=at_ms + 4,
            event=codec.encode(event),
            judgements=(judgement,),
        )
        if starts:
            self.runs += 1
            yield from self._actions(run_id, at_ms)

    def _actions(self, run_id: str, at_ms: int) -> Iterator[JournalFact]:
        about: dict[str, Any] = {"tenant_id": "demo", "run_id": run_id}
        took_ms = self._random.randrange(5, 400)
        for index, action in enumerate(ACTIONS):
            tried: dict[str, Any] = {
                **about,
                "seq": index + 2,
                "at_ms": at_ms + took_ms * (index + 1),
                "action_id": action.id,
                "index": index,
                "type": action.type,
                "attempt": 1,
                "started_at_ms": at_ms + took_ms * index,
                "finished_at_ms": at_ms + took_ms * (index + 1),
                "effect_key": "e" * 64,
            }
            if index == 1 and self._random.randrange(10) == 0:
                detail = f"POST https://erp-{self._random.randrange(50)}.example/leads answered 500"
                error: dict[str, Any] = {"error_type": "http-status", "error_detail": detail}
                yield ActionFailed(**tried, **error, final=True)
                yield RunFailed(**about, seq=4, at_ms=tried["at_ms"], action_id=action.id, **error)
                return
            yield ActionSucceeded(**tried, receipt=b'{"status":200,"body_sha256":"' + b"0" * 64 + b'"}')
        yield RunSucceeded(**about, seq=4, at_ms=at_ms + took_ms * 2)


class _Keys:
    """One key that opens everything."""

    async def find(self, key_hash: bytes) -> KeyRecord:
        return KeyRecord(Principal("k", "bench", "demo", Role.admin), None, None, 10_000_000)

    async def used(self, key_id: str, at: datetime) -> None:
        pass


class _Never:
    async def read_past(self, deadline_ms: int) -> bool:
        return False

    async def behind(self) -> dict[str, int]:
        return {}


async def _reads(url: str) -> list[dict[str, Any]]:
    engine = create_engine(url)
    clock = SystemClock()

    def no_log() -> Any:
        raise NotImplementedError("nothing is sent in this measurement")

    relay = OutboxRelay("run-ledger", "ledger", url, no_log)
    app = api.create(
        engine, relay, clock, Readiness(), _Keys(), _Never(), Changes(url), StuckRuns(engine, _Never(), clock)
    )
    headers = {"Authorization": "Bearer bench"}
    results: list[dict[str, Any]] = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://ledger", headers=headers, timeout=60
    ) as client:
        newest = (await client.get("/v1/runs", params={"limit": 500})).json()["items"]
        chosen = random.Random(11)
        for name, request in {
            "ledger.list_p99_ms": lambda: ("/v1/runs", _filter(chosen)),
            "ledger.run_p99_ms": lambda: (f"/v1/runs/{chosen.choice(newest)['id']}", {}),
            "ledger.timeline_p99_ms": lambda: (
                f"/v1/records/leads/lead-{chosen.randrange(RECORDS)}/timeline",
                {},
            ),
        }.items():
            rounds = [await _p99_ms(client, request) for _ in range(3)]
            results.append({"name": name, "value": sorted(rounds)[1], "unit": "ms", "runs": rounds})
    await engine.dispose()
    return results


def _filter(chosen: random.Random) -> dict[str, Any]:
    query: dict[str, Any] = {"workflow_id": f"wf-{chosen.randrange(WORKFLOWS)}", "limit": 50}
    begin = datetime.fromtimestamp(time.time() - 86_400 * chosen.randrange(1, DAYS), UTC)
    match chosen.randrange(6):
        case 0:
            query["status"] = "failed"
        case 1:
            query |= {"status": "failed", "text": f"erp-{chosen.randrange(60)}.example"}
        case 2:
            query |= {"record_id": f"lead-{chosen.randrange(RECORDS)}", "module": "leads"}
        case 3:
            query["to"] = begin.isoformat()
        case 4:
            query |= {"status": ["success", "skipped"], "version": 3}
    return query


async def _p99_ms(client: httpx.AsyncClient, request: Any) -> float:
    took: list[float] = []
    for _ in range(READS):
        path, query = request()
        begun = time.perf_counter()
        answer = await client.get(path, params=query)
        took.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
    return round(sorted(took)[int(READS * 0.99)], 1)
