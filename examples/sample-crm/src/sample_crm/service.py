"""The process: REST, outbox relay and clockwork on one event loop, commands on a thread beside it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from sample_crm.adapters.clockwork import run_clockwork
from sample_crm.adapters.command_reader import NAME, CommandReader
from sample_crm.adapters.rest import office, records, schemas
from sample_crm.adapters.tables import SCHEMA
from sample_crm.adapters.unit import Crm
from sample_crm.settings import SampleCrmSettings
from signalbox_contracts import topics
from signalbox_runtime.database import create_engine, migrate_when_reachable
from signalbox_runtime.http.application import create_app
from signalbox_runtime.http.server import in_background, serve
from signalbox_runtime.loops.transform import run_transform
from signalbox_runtime.outbox.log import KafkaRelayLog
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.process.readiness import DATABASE_CONDITION, Readiness
from signalbox_runtime.process.shell import Service

MIGRATIONS: Final = Path(__file__).parent / "migrations"
BATCH_MAX_COMMANDS: Final = 200
OUTBOX_CONDITION: Final = "outbox"
WATCH_SECONDS: Final = 0.5
DESCRIPTION: Final = (
    "A small CRM: leads, opportunities, contacts, accounts, tasks and invoices. Each change is published as "
    "one event on Kafka, and workflows change records by commands that are applied once."
)


def run(service: Service[SampleCrmSettings]) -> None:
    """Runs the CRM until the service is asked to stop."""
    service.readiness.unmet(DATABASE_CONDITION, "not migrated yet")

    @asynccontextmanager
    async def application(stop: asyncio.Event) -> AsyncIterator[FastAPI]:
        url = service.shared.database_url
        await migrate_when_reachable(
            url, (SCHEMA,), MIGRATIONS, lambda why: service.readiness.unmet(DATABASE_CONDITION, why)
        )
        service.readiness.met(DATABASE_CONDITION)
        engine = create_engine(url, application_name="sample-crm")
        crm = Crm(engine, service.settings.tenant, service.clock)
        await office.announce(crm)
        relay = OutboxRelay("sample-crm", SCHEMA, url, lambda: KafkaRelayLog("sample-crm", service.kafka))
        reader = CommandReader(crm, asyncio.get_running_loop())
        thread = service.start_thread(
            NAME, lambda: run_transform(service, [topics.CRM_COMMANDS], reader, BATCH_MAX_COMMANDS)
        )
        tasks = {
            "relay": relay.run(stop),
            "clockwork": run_clockwork(crm, stop, service.settings.tick_ms / 1000),
            "relay-watch": _watch(relay, service.readiness, stop),
        }
        async with in_background(service, tasks):
            yield rest_application(crm, service.readiness)
            await asyncio.to_thread(thread.join)
        await engine.dispose()

    serve(service, service.settings.http_host, service.settings.http_port, application)


async def _watch(relay: OutboxRelay, readiness: Readiness, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if relay.waiting_for is None:
            readiness.met(OUTBOX_CONDITION)
        else:
            readiness.unmet(OUTBOX_CONDITION, f"Events are not sent at the moment: {relay.waiting_for}")
        await asyncio.sleep(WATCH_SECONDS)


def rest_application(crm: Crm | None, readiness: Readiness) -> FastAPI:
    """The REST interface alone; without a CRM behind it, it can only describe itself.

    It asks nobody for a key: it listens on this machine only.
    """
    app = create_app(
        title="Sample CRM",
        description=DESCRIPTION,
        routers=[*records.routers(), office.router],
        access=None,
        readiness=readiness,
    )
    app.state.crm = crm
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        document["components"]["schemas"].update(schemas.components())
        return document

    app.openapi = openapi  # type: ignore[method-assign]
    return app
