"""The whole system, seen from outside: how fast, how late, how much of the machine.

Work: events of leads, half of which run two webhooks in sequence while half are skipped by a condition. Load,
receiver, Kafka, PostgreSQL and every service share the machine's cores, so the figures are a floor.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Producer

from signalbox_runtime.testing.waiting import eventually
from tests.e2e.system import System, cloud_event

WARM_UP_EVENTS = 6_000
EVENTS = 12_000
REPEATS = 3
PACED_EVENTS = 250
PACED_PER_SECOND = 25
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def run() -> list[dict[str, Any]]:
    """Starts the system twice (the second start is the one that counts), then measures on it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, fast_receiver() as receiver:
        data = Path(folder) / "data"
        with System(data):
            pass
        began = time.monotonic()
        with System(data) as system:
            ready_seconds = time.monotonic() - began
            time.sleep(5)
            results = [
                figure("embedded.ready_seconds", "s", [ready_seconds]),
                figure("embedded.idle_rss_mb", "MB", [resident_mb(all_pids(system))]),
            ]
            return results + measure(system, receiver)


def measure(system: System, receiver: str) -> list[dict[str, Any]]:
    """Throughput, CPU, latency and memory of a running system."""
    working = system.create_workflow(two_webhooks("Web Form", receiver))
    throughput(system, working, "warm", WARM_UP_EVENTS)
    rates, cpu = [], []
    for repeat in range(REPEATS):
        before = cpu_seconds(all_pids(system))
        rates.append(throughput(system, working, f"load-{repeat}", EVENTS))
        cpu.append((cpu_seconds(all_pids(system)) - before) * 1000 / EVENTS)
    latencies = paced(system, working)
    skipped = [throughput(system, working, f"skip-{repeat}", EVENTS, matching=0) for repeat in range(REPEATS)]
    python = [pid for name, pids in system.endpoints["pids"].items() if name not in NOT_OURS for pid in pids]
    return [
        figure("system.events_per_second", "1/s", rates),
        figure("system.cpu_ms_per_event", "ms", cpu),
        figure("system.latency_p50_ms", "ms", [statistics.median(latencies)]),
        figure("system.latency_p99_ms", "ms", [statistics.quantiles(latencies, n=100)[98]]),
        figure("system.skipped_events_per_second", "1/s", skipped),
        figure("system.python_rss_mb", "MB", [resident_mb(python)]),
    ]


NOT_OURS = ("kafka", "postgres")


def two_webhooks(source: str, receiver: str) -> dict[str, Any]:
    hook = {"method": "POST", "url": receiver, "body": {"lead": "{{ record.id }}"}}
    return {
        "name": "Two webhooks",
        "trigger": {"module": "leads", "event": "created"},
        "conditions": {
            "all": [
                {"field": "source", "op": "equals", "value": source},
                {"field": "amount", "op": "greater_than", "value": 50_000},
            ]
        },
        "actions": [{"type": "webhook", "with": hook}, {"type": "webhook", "with": hook}],
    }


def throughput(system: System, workflow: str, mark: str, events: int, matching: int = 2) -> float:
    """Events a second, from first publish to last run in the ledger; every `matching`th event runs."""
    before = judged(system, workflow)
    began = time.monotonic()
    producer = load_producer(system)
    for number in range(events):
        runs = matching and number % matching == 0
        publish(producer, f"{mark}-{number}", 75_000 if runs else 1_000)
    producer.flush(60)
    eventually(lambda: judged(system, workflow) - before >= events, f"{events} judged and ended", seconds=300)
    return events / (time.monotonic() - began)


def paced(system: System, workflow: str) -> list[float]:
    """Milliseconds from publish to the run's end, at a gentle pace on an idle system."""
    producer = load_producer(system)
    published: dict[str, float] = {}
    for number in range(PACED_EVENTS):
        record_id = f"paced-{time.monotonic_ns()}-{number}"
        published[record_id] = time.time() * 1000
        publish(producer, record_id, 75_000)
        producer.flush(5)
        time.sleep(1 / PACED_PER_SECOND)

    def ended() -> dict[str, str] | None:
        found = {
            run["record_id"]: run["finished_at"]
            for run in system.runs(workflow_id=workflow, status="success", limit=500)
            if run["record_id"] in published
        }
        return found if len(found) == len(published) else None

    finished = eventually(ended, "the paced runs to end", seconds=60)
    return [_ms(finished[record_id]) - at for record_id, at in published.items()]


def judged(system: System, workflow: str) -> int:
    """Runs of a workflow that are over: the grid's figures."""
    row = system.api.get(f"/v1/workflows/{workflow}").json()
    by_status = row["runs_by_status"]
    return int(by_status.get("success", 0)) + int(row["skipped_count"])


def load_producer(system: System) -> Producer:
    return Producer(
        {
            "bootstrap.servers": system.endpoints["kafka"],
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )


def publish(producer: Producer, record_id: str, amount: int) -> None:
    record = {"id": record_id, "source": "Web Form", "amount": amount, "name": "Ada"}
    value = cloud_event(f"evt-{record_id}", "leads", "created", record)
    producer.produce("crm.leads", key=f"demo/leads/{record_id}", value=value)
    producer.poll(0)


def all_pids(system: System) -> list[int]:
    """Every process of the system, PostgreSQL's children included."""
    own = [pid for pids in system.endpoints["pids"].values() for pid in pids]
    children = [
        pid
        for pid in map(int, filter(str.isdigit, (entry.name for entry in Path("/proc").iterdir())))
        if parent(pid) in own
    ]
    return sorted({*own, *children})


def parent(pid: int) -> int:
    return int(stat(pid)[1]) if stat(pid) else 0


def stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the command's name; none for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def cpu_seconds(pids: list[int]) -> float:
    fields = [fields for fields in map(stat, pids) if fields]
    return sum(int(field[11]) + int(field[12]) for field in fields) / CLOCK_TICKS


def resident_mb(pids: list[int]) -> float:
    """Proportional set size, so that memory shared by processes counts once."""
    total_kb = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total_kb += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
    return total_kb / 1000


@contextmanager
def fast_receiver() -> Iterator[str]:
    """URL of a receiver in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.fast_receiver"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = f"http://127.0.0.1:{process.stdout.readline().strip()}/hook"
    try:
        httpx.get(url.replace("/hook", "/count")).raise_for_status()
        yield url
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def figure(name: str, unit: str, runs: list[float]) -> dict[str, Any]:
    """A result with the median of its runs as value."""
    return {"name": name, "value": statistics.median(runs), "unit": unit, "runs": runs}


def _ms(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000
