"""The ledger's HTTP API, put together."""

from typing import Any, Final

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.adapters.history.schema import LEDGER
from run_ledger.adapters.reading import non_runs
from run_ledger.adapters.reading.changes import Changes
from run_ledger.adapters.reading.read_past import ReadPast
from run_ledger.adapters.reading.runs_reader import RunsReader
from run_ledger.adapters.reading.stats import Stats
from run_ledger.adapters.reading.stuck import StuckRuns
from run_ledger.adapters.reading.summaries import Summaries
from run_ledger.adapters.reading.timeline import Timeline
from run_ledger.adapters.requests.bulk_retries import BulkRetries
from run_ledger.adapters.requests.requests import Requests
from run_ledger.routes import (
    bulk_routes,
    care_routes,
    insight_routes,
    requests_routes,
    runs_routes,
    stream_routes,
)
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.application import create_app
from signalbox_runtime.http.auth import Access, KeyStore
from signalbox_runtime.http.idempotency import PostgresIdempotencyStore
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.process.readiness import Readiness

TITLE: Final = "Signalbox run ledger"
DESCRIPTION: Final = "The history of runs: what happened, why, and what can be done about it."
ROUTERS: Final = (  # a path is answered by the first that has it, so `/v1/runs/{run_id}` comes late
    bulk_routes.router,
    non_runs.router,
    care_routes.router,
    insight_routes.router,
    runs_routes.router,
    requests_routes.router,
    stream_routes.router,
)


def describe() -> dict[str, Any]:
    """The OpenAPI document, without anything behind it."""
    app = create_app(
        title=TITLE, description=DESCRIPTION, routers=ROUTERS, access=None, readiness=Readiness()
    )
    document: dict[str, Any] = app.openapi()
    return document


def create(
    engine: AsyncEngine,
    relay: OutboxRelay,
    clock: Clock,
    readiness: Readiness,
    keys: KeyStore,
    read_past: ReadPast,
    changes: Changes,
    stuck: StuckRuns,
) -> FastAPI:
    """The application; what its routes need is in `app.state`."""
    app = create_app(
        title=TITLE,
        description=DESCRIPTION,
        routers=ROUTERS,
        access=Access(keys, clock),
        readiness=readiness,
        idempotency=PostgresIdempotencyStore(engine, LEDGER),
    )
    # Reads need no transaction around them: without its begin and its end a run is there in two thirds of
    # the time.
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")
    app.state.runs = RunsReader(reading)
    app.state.requests = Requests(engine, app.state.runs, clock)
    app.state.summaries = Summaries(reading)
    app.state.read_past = read_past
    app.state.timeline = Timeline(reading)
    app.state.stats = Stats(reading)
    app.state.changes = changes
    app.state.stuck = stuck
    app.state.engine = engine
    app.state.bulk = BulkRetries(engine, app.state.runs, app.state.requests, clock)
    app.state.relay = relay
    app.state.clock = clock
    return app
