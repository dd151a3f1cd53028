"""run-ledger: the journal's projection on one thread, the API and the outbox relay on another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from run_ledger.adapters.erasure import retention
from run_ledger.adapters.history import schema
from run_ledger.adapters.projection.projection_store import open_store
from run_ledger.adapters.reading.behind import KafkaBehind
from run_ledger.adapters.reading.changes import Changes
from run_ledger.adapters.reading.read_past import KafkaReadPast
from run_ledger.adapters.reading.stuck import StuckRuns
from run_ledger.adapters.requests.deadlines import watch
from run_ledger.interpreter import favour_the_projection
from run_ledger.routes import api
from run_ledger.settings import RunLedgerSettings
from signalbox_contracts import topics
from signalbox_runtime.database import create_engine, migrate_when_reachable
from signalbox_runtime.http.auth import PostgresKeyStore
from signalbox_runtime.http.server import in_background, serve
from signalbox_runtime.loops.cancellations import Cancellations
from signalbox_runtime.loops.projection import run_projection
from signalbox_runtime.loops.views import TopicViews, follow
from signalbox_runtime.outbox.log import KafkaRelayLog
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.process.readiness import DATABASE_CONDITION
from signalbox_runtime.process.settings import kafka_options
from signalbox_runtime.process.shell import Service

MIGRATIONS = Path(__file__).parent / "migrations"
CONTROL_SECONDS = 1.0
"""How late a workflow's runs that wait for a person may be found canceled."""


def run(service: Service[RunLedgerSettings]) -> None:
    """Serves until the service is asked to stop."""
    settings = service.settings
    serve(service, settings.http_host, settings.http_port, lambda stop: application(service, stop))


@asynccontextmanager
async def application(service: Service[RunLedgerSettings], stop: asyncio.Event) -> AsyncIterator[FastAPI]:
    """The API with its relay; the projection starts once the schemas are there."""
    database_url = service.shared.database_url
    engine = create_engine(database_url, application_name="run-ledger")
    relay = OutboxRelay(
        service.name,
        schema.LEDGER,
        database_url,
        lambda: KafkaRelayLog(service.name, service.kafka),
    )
    service.readiness.unmet(DATABASE_CONDITION, "The history is not set up yet.")

    migrated = asyncio.Event()

    async def set_up_then_relay() -> None:
        await migrate_when_reachable(
            database_url,
            (schema.LEDGER, schema.HISTORY),
            MIGRATIONS,
            lambda reason: service.readiness.unmet(DATABASE_CONDITION, reason),
        )
        service.readiness.met(DATABASE_CONDITION)
        migrated.set()
        service.start_thread("projection", lambda: project(service))
        await relay.run(stop)

    read_past = KafkaReadPast(service.kafka, kafka_options(), database_url)
    changes = Changes(database_url)
    stuck = StuckRuns(engine, KafkaBehind(kafka_options()), service.clock)
    keys = PostgresKeyStore(engine)
    app = api.create(engine, relay, service.clock, service.readiness, keys, read_past, changes, stuck)
    app.state.kafka = service.kafka
    requests, bulk, ages = app.state.requests, app.state.bulk, service.settings.ages

    async def once_migrated(work: Callable[[], Awaitable[None]]) -> None:
        waiting = [asyncio.create_task(event.wait()) for event in (migrated, stop)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if migrated.is_set():
            await work()

    cancellations = Cancellations()
    views = TopicViews(service.kafka, {topics.RUNS_CONTROL: cancellations.apply})
    service.start_thread("cancellations", lambda: follow(views, service.stopping, CONTROL_SECONDS))
    tasks: dict[str, Callable[[], Awaitable[None]]] = {
        "deadlines": lambda: watch(engine, requests, read_past, cancellations, service.clock, stop),
        "stuck": lambda: stuck.watch(stop),
        "bulk-retries": lambda: bulk.work(stop),
        "retention": lambda: retention.work(database_url, ages, service.clock, stop),
        "changes": lambda: changes.listen(stop),
    }
    running = {name: once_migrated(work) for name, work in tasks.items()}
    async with in_background(service, {"relay": set_up_then_relay(), **running}):
        yield app
    await engine.dispose()


def project(service: Service[RunLedgerSettings]) -> None:
    """Folds the journal until the service is asked to stop."""
    favour_the_projection()
    with open_store(service.shared.database_url, service.slot_id) as store:
        run_projection(service, [topics.RUNS_JOURNAL], store)
