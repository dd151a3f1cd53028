"""workflow-api: the grid of 10,000 workflows, publish to effect, dry runs, and a backtest.

The API is a process of its own on a real Kafka and PostgreSQL, asked over HTTP on one connection; the grid's
figures come from the ledger's own view, with a row for each workflow. A backtest replays avro events without
`ce_` headers, all of which match the trigger, so that none is passed over cheaply.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from confluent_kafka import Producer

import run_ledger
from signalbox_contracts import codec, ids
from signalbox_contracts.messages import CrmEvent
from signalbox_contracts.topics import all_topics
from signalbox_embedded import jars
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_embedded.ports import free_ports
from signalbox_embedded.postgres import EmbeddedPostgres
from signalbox_runtime.database import migrate
from signalbox_runtime.kafka.topic_admin import apply, look
from signalbox_runtime.kafka.topic_plan import plan

WORKFLOWS = 10_000
GRID_REQUESTS = 400
PUBLISHES = 60
DRY_RUNS = 200
DRY_RUNS_ON_EVENTS = 50
LEADS = 50_000
BACKTEST_EVENTS = int(os.environ.get("SIGNALBOX_BENCH_EVENTS", "300000"))
BACKTESTS = 3
START_SECONDS = 120
DOCUMENT: dict[str, Any] = {
    "name": "Welcome big web leads",
    "trigger": {"module": "leads", "event": "created"},
    "conditions": {
        "all": [
            {"field": "source", "op": "equals", "value": "Web Form"},
            {
                "any": [
                    {"field": "amount", "op": "greater_than", "value": 50_000},
                    {"field": "priority", "op": "equals", "value": "Urgent"},
                ]
            },
        ]
    },
    "actions": [
        {
            "type": "send_email",
            "id": "welcome",
            "with": {"to": ["{{ record.email }}"], "subject": "Welcome, {{ record.name }}", "text": "Hello"},
        },
        {
            "type": "webhook",
            "id": "tell-erp",
            "with": {
                "method": "POST",
                "url": "https://erp.example/leads",
                "body": {"lead": "{{ record.id }}"},
            },
        },
    ],
}
GRIDS = (
    "?limit=50",
    "?limit=50&sort=name",
    "?limit=50&sort=-created_at&status=active",
    "?limit=50&sort=name&module=leads&text=flow%2099",
    "?limit=50&sort=-run_count&status=active",
)
RECORD = {
    "id": "lead-1",
    "name": "Ada Byron",
    "email": "ada@example.com",
    "source": "Web Form",
    "amount": 75_000,
    "priority": "High",
    "owner": "u-1",
}


def run() -> list[dict[str, Any]]:
    """Measures on servers of its own."""
    jars.fetch(jars.locked(), jars.cache_folder())
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with (
            EmbeddedKafka(folder / "kafka") as kafka,
            EmbeddedPostgres(folder / "postgres", durable=True) as postgres,
        ):
            options = {"bootstrap.servers": kafka.bootstrap}
            apply(options, plan(all_topics(), look(options, all_topics()), 4))
            migrate(postgres.url, ("ledger", "history"), Path(run_ledger.__path__[0]) / "migrations")
            with _api(kafka.bootstrap, postgres.url, folder) as client:
                _fill(client, postgres.url)
                return [
                    _percentile("api.grid_p99_ms", 0.99, _grid(client)),
                    _percentile("api.publish_to_effect_p50_ms", 0.5, _publish(client)),
                    _percentile("api.dry_run_p99_ms", 0.99, _dry_run(client)),
                    *_backtest(client, kafka.bootstrap),
                    _percentile("api.dry_run_on_last_event_p50_ms", 0.5, _dry_run_on_last_event(client)),
                ]


@contextmanager
def _api(kafka: str, database_url: str, folder: Path) -> Iterator[httpx.Client]:
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "SIGNALBOX_DATABASE_URL": database_url,
        "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "SIGNALBOX_LOG_LEVEL": "warning",
        "WORKFLOW_API_HTTP_PORT": str(port),
        "WORKFLOW_API_FIRST_KEY_FILE": str(folder / "key"),
    }
    process = subprocess.Popen((sys.executable, "-m", "workflow_api"), env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("workflow-api did not start")
            time.sleep(0.2)
        headers = {"Authorization": f"Bearer {(folder / 'key').read_text().strip()}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _fill(client: httpx.Client, database_url: str) -> None:
    """10,000 workflows like one that was made over HTTP, and runs of each."""
    made = client.post("/v1/workflows", json=DOCUMENT).json()["id"]
    client.post(f"/v1/workflows/{made}/publish")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO workflows.workflows SELECT tenant_id, 'wf-bench-' || n, 'Flow ' || n, description,"
            " CASE WHEN n %% 3 = 0 THEN 'paused' ELSE 'active' END, module, event, trigger, version, draft,"
            " revision, last_row_id, created_at + n * interval '1 second', created_by,"
            " updated_at + n * interval '1 second', updated_by"
            " FROM workflows.workflows, generate_series(1, %s) AS n WHERE id = %s",
            (WORKFLOWS, made),
        )
        connection.execute(
            "INSERT INTO history.figures (tenant_id, workflow_id, success, failed, skipped, last_run_at_ms)"
            " SELECT tenant_id, id, 900, 100, 5000, extract(epoch FROM now()) * 1000 FROM workflows.workflows"
        )
        connection.execute(
            "INSERT INTO history.figure_latency_totals (tenant_id, workflow_id, step, runs)"
            " SELECT tenant_id, id, step, 20 FROM workflows.workflows, generate_series(10, 59) AS step"
        )
        connection.execute(
            "INSERT INTO history.figure_buckets (tenant_id, workflow_id, bucket_ms, failed, ended_failed)"
            " SELECT tenant_id, id, (extract(epoch FROM now())::bigint / 3600 - hour) * 3600000, 4, 4"
            " FROM workflows.workflows, generate_series(0, 23) AS hour"
        )
        connection.execute("VACUUM ANALYZE")


def _grid(client: httpx.Client) -> list[float]:
    return _timed(GRID_REQUESTS, lambda number: client.get(f"/v1/workflows{GRIDS[number % len(GRIDS)]}"))


def _publish(client: httpx.Client) -> list[float]:
    made = client.post("/v1/workflows", json=DOCUMENT).json()["id"]
    path = f"/v1/workflows/{made}"

    def publish(_number: int) -> httpx.Response:
        response = client.post(f"{path}/publish")
        assert response.json()["effective"], response.text
        return response

    durations = []
    for number in range(PUBLISHES):
        if number:
            client.put(path, json=DOCUMENT, headers={"If-Match": "*"})
        durations += _timed(1, publish)
    return durations


def _dry_run(client: httpx.Client) -> list[float]:
    made = client.post("/v1/workflows", json=DOCUMENT).json()["id"]
    return _timed(DRY_RUNS, lambda _: client.post(f"/v1/workflows/{made}/test", json={"record": RECORD}))


def _dry_run_on_last_event(client: httpx.Client) -> list[float]:
    """On records that changed lately, among the events of the backtest."""
    made = client.post("/v1/workflows", json=DOCUMENT).json()["id"]

    def test(number: int) -> httpx.Response:
        record_id = f"lead-{(BACKTEST_EVENTS - 1 - number) % LEADS}"
        return client.post(f"/v1/workflows/{made}/test", json={"record_id": record_id})

    return _timed(DRY_RUNS_ON_EVENTS, test)


def _timed(count: int, call: Callable[[int], httpx.Response]) -> list[float]:
    """Milliseconds of each of `count` calls."""
    durations = []
    for number in range(count):
        begun = time.perf_counter()
        response = call(number)
        durations.append((time.perf_counter() - begun) * 1000)
        response.raise_for_status()
    return durations


def _backtest(client: httpx.Client, kafka: str) -> list[dict[str, Any]]:
    """Per second of the clock, and per second of one processor, which a busy machine does not change."""
    _publish_events(kafka)
    made = client.post("/v1/workflows", json=DOCUMENT).json()["id"]
    rates, processor_rates = [], []
    for _ in range(BACKTESTS):
        location = client.post(f"/v1/workflows/{made}/backtests").headers["location"]
        while (body := client.get(location).json())["status"] in {"waiting", "running"}:
            time.sleep(0.2)
        assert body["status"] == "done", body
        assert body["result"]["matched"] == BACKTEST_EVENTS, body["result"]
        rates.append(BACKTEST_EVENTS / body["progress"]["seconds"])
        processor_rates.append(BACKTEST_EVENTS / body["progress"]["cpu_seconds"])
    return [
        _median("api.backtest_events_per_second", rates),
        _median("api.backtest_events_per_processor_second", processor_rates),
    ]


def _median(name: str, rates: list[float]) -> dict[str, Any]:
    value = round(sorted(rates)[len(rates) // 2])
    return {"name": name, "value": value, "unit": "events/s", "runs": [round(rate) for rate in rates]}


def _publish_events(kafka: str) -> None:
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "compression.type": "lz4",
        }
    )
    for number in range(BACKTEST_EVENTS):
        record_id = f"lead-{number % LEADS}"
        record = {
            **RECORD,
            "id": record_id,
            "amount": number % 100_000,
            "source": ("Web Form", "Mail")[number % 2],
        }
        event = CrmEvent(
            tenant_id="demo",
            event_id=f"evt-{number}",
            module="leads",
            event="created",
            record_id=record_id,
            occurred_at_ms=1_795_428_000_000 + number,
            record=json.dumps(record).encode(),
            previous=b"null",
        )
        key = ids.lane("demo", "leads", record_id)
        while True:
            try:
                producer.produce("crm.leads", codec.encode(event), key)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush(120)


def _percentile(name: str, share: float, durations: list[float]) -> dict[str, Any]:
    value = sorted(durations)[min(len(durations) - 1, int(share * len(durations)))]
    return {"name": name, "value": round(value, 2), "unit": "ms", "runs": [round(value, 2)]}
