"""Lists, single runs and timelines out of a large history, through the whole API but its socket."""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from bench.ledger_journal import DESTINATIONS, RECORDS, WORKFLOWS
from run_ledger.adapters.reading.changes import Changes
from run_ledger.adapters.reading.stuck import StuckRuns
from run_ledger.routes import api
from signalbox_runtime.clock import SystemClock
from signalbox_runtime.database import create_engine
from signalbox_runtime.http.auth import KeyRecord, Principal, Role
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.process.readiness import Readiness

READS = 400
ROUNDS = 3
CHOSEN_RUNS = 2_000
DAYS_BACK = 29

Query = tuple[str, dict[str, Any]]


class _Keys:
    """One key that opens everything."""

    async def find(self, key_hash: bytes) -> KeyRecord:
        return KeyRecord(Principal("k", "bench", "demo", Role.admin), None, None, 10_000_000)

    async def find_of_session(self, token_hash: bytes, now: datetime) -> KeyRecord | None:
        return None

    async def find_by_id(self, key_id: str) -> KeyRecord | None:
        return None

    async def used(self, key_id: str, at: datetime) -> None:
        pass


class _Never:
    async def read_past(self, deadline_ms: int) -> bool:
        return False

    async def behind(self) -> dict[str, int]:
        return {}


def run(url: str) -> list[dict[str, Any]]:
    """The p99 of each kind of read, the median of its rounds."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT run_id::text FROM history.runs TABLESAMPLE SYSTEM (5) ORDER BY random() LIMIT %s",
            (CHOSEN_RUNS,),
        ).fetchall()
    return asyncio.run(_reads(url, [row[0] for row in rows]))


async def _reads(url: str, run_ids: list[str]) -> list[dict[str, Any]]:
    engine = create_engine(url)
    clock = SystemClock()

    def no_log() -> Any:
        raise AssertionError("this relay is never started")

    relay = OutboxRelay("run-ledger", "ledger", url, no_log)
    app = api.create(
        engine, relay, clock, Readiness(), _Keys(), _Never(), Changes(url), StuckRuns(engine, _Never(), clock)
    )
    chosen = random.Random(11)
    kinds: dict[str, Callable[[], Query]] = {
        "ledger.list_p99_ms": lambda: ("/v1/runs", _filter(chosen)),
        "ledger.run_p99_ms": lambda: (f"/v1/runs/{chosen.choice(run_ids)}", {}),
        "ledger.timeline_p99_ms": lambda: (
            f"/v1/records/leads/lead-{chosen.randrange(RECORDS)}/timeline",
            {},
        ),
    }
    results: list[dict[str, Any]] = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://ledger",
        headers={"Authorization": "Bearer bench"},
        timeout=60,
    ) as client:
        for name, query in kinds.items():
            rounds = [await _p99_ms(client, query) for _ in range(ROUNDS)]
            results.append({"name": name, "value": sorted(rounds)[1], "unit": "ms", "runs": rounds})
    await engine.dispose()
    return results


def _filter(chosen: random.Random) -> dict[str, Any]:
    """Newest of a workflow, narrowed in one of the ways that the console offers."""
    query: dict[str, Any] = {"workflow_id": f"wf-{chosen.randrange(WORKFLOWS)}", "limit": 50}
    begin = datetime.fromtimestamp(time.time() - 86_400 * chosen.randrange(1, DAYS_BACK), UTC)
    match chosen.randrange(6):
        case 0:
            query["status"] = "failed"
        case 1:
            query |= {"status": "failed", "text": f"erp-{chosen.randrange(DESTINATIONS + 10)}.example"}
        case 2:
            query |= {"record_id": f"lead-{chosen.randrange(RECORDS)}", "module": "leads"}
        case 3:
            query["to"] = begin.isoformat()
        case 4:
            query |= {"status": ["success", "skipped"], "version": 3}
    return query


async def _p99_ms(client: httpx.AsyncClient, query: Callable[[], Query]) -> float:
    took: list[float] = []
    for _ in range(READS):
        path, parameters = query()
        begun = time.perf_counter()
        answer = await client.get(path, params=parameters)
        took.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
    return round(sorted(took)[int(READS * 0.99)], 1)
