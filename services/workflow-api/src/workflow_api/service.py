"""Puts workflow-api together: PostgreSQL, the outbox relay, the application, and what runs beside it."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog
from fastapi import FastAPI

from signalbox_contracts import topics
from signalbox_runtime.database import create_engine, migrate_when_reachable
from signalbox_runtime.http.auth import Access, PostgresKeyStore
from signalbox_runtime.http.idempotency import PostgresIdempotencyStore
from signalbox_runtime.http.server import in_background, serve, unless_stopped
from signalbox_runtime.http.sessions import Sessions
from signalbox_runtime.loops.views import TopicViews, follow
from signalbox_runtime.outbox.log import KafkaRelayLog
from signalbox_runtime.outbox.relay import OutboxRelay
from signalbox_runtime.outbox.tables import OutboxTables
from signalbox_runtime.process.readiness import DATABASE_CONDITION
from signalbox_runtime.process.shell import Service
from signalbox_runtime.secrets import keyring_of
from workflow_api.adapters.console_files import ConsoleFiles
from workflow_api.adapters.crm_catalogs import CrmCatalogs
from workflow_api.adapters.event_search import EventSearch
from workflow_api.adapters.first_key import ensure_first_key
from workflow_api.adapters.ledger_proxy import LedgerProxy
from workflow_api.adapters.recent_records import RecentRecords
from workflow_api.adapters.smtp import SmtpMailOut
from workflow_api.api_keys import ApiKeys
from workflow_api.application import Parts, build_application
from workflow_api.backtests import Backtests, run_backtests
from workflow_api.dry_runs import DryRuns
from workflow_api.email_templates import EmailTemplates
from workflow_api.imports import Imports
from workflow_api.routes.session import SignIns
from workflow_api.settings import WorkflowApiSettings
from workflow_api.stored_secrets import StoredSecrets
from workflow_api.test_mails import TestMails
from workflow_api.workflows import Workflows

SCHEMA: Final = "workflows"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
RELAY_CONDITION: Final = "outbox"
RELAY_CHECK_SECONDS: Final = 1.0
CATALOG_SECONDS: Final = 1.0
"""How far the view of `crm.catalog` may lag: people change it in the CRM, then look here."""
WORKFLOW_ID_BYTES: Final = 8

_log = structlog.get_logger("workflow-api")


def run(service: Service[WorkflowApiSettings]) -> None:
    """Serves until the service is asked to stop."""
    settings = service.settings
    serve(service, settings.http_host, settings.http_port, lambda stop: application(service, stop))


@asynccontextmanager
async def application(service: Service[WorkflowApiSettings], stop: asyncio.Event) -> AsyncIterator[FastAPI]:
    """The application and its background work, as long as the context lasts."""
    settings, database_url = service.settings, service.shared.database_url
    engine = create_engine(database_url, application_name=service.name)
    service.readiness.unmet(DATABASE_CONDITION, "The database is not set up yet.")
    relay = OutboxRelay(
        service.name, SCHEMA, database_url, lambda: KafkaRelayLog(service.name, service.kafka)
    )
    catalogs = CrmCatalogs()
    views = TopicViews(service.kafka, {topics.CRM_CATALOG: catalogs.apply}, service.readiness)
    service.start_thread("crm-catalog", lambda: follow(views, service.stopping, CATALOG_SECONDS))
    set_up = asyncio.Event()
    clock, outbox = service.clock, OutboxTables(SCHEMA)
    access = Access(PostgresKeyStore(engine), clock)

    def is_effective(row_id: int) -> Awaitable[bool]:
        return relay.effective(row_id, settings.effect_timeout_seconds)

    workflows = Workflows(engine, outbox, is_effective, catalogs, clock, new_workflow_id)
    templates = EmailTemplates(engine, clock)
    ledger = LedgerProxy(settings.ledger_url)
    parts = Parts(
        engine=engine,
        access=access,
        clock=clock,
        sessions=Sessions(engine),
        sign_ins=SignIns(clock.monotonic_seconds),
        readiness=service.readiness,
        idempotency=PostgresIdempotencyStore(engine, SCHEMA),
        workflows=workflows,
        email_templates=templates,
        imports=Imports(engine, workflows, templates, catalogs),
        secrets=StoredSecrets(engine, outbox, is_effective, keyring_of(service.shared), clock),
        api_keys=ApiKeys(engine, access, clock),
        catalogs=catalogs,
        event_search=EventSearch(service.kafka),
        recent_records=RecentRecords(service.kafka),
        dry_runs=DryRuns(workflows, catalogs, service.kafka, clock),
        test_mails=TestMails(SmtpMailOut(settings.smtp_host, settings.smtp_port), settings.smtp_from, clock),
        backtests=Backtests(engine, workflows, clock, settings.backtest_events_max),
        ledger=ledger,
    )

    async def prepare() -> None:
        await unless_stopped(stop, set_up_database())

    async def set_up_database() -> None:
        def waiting(reason: str) -> None:
            service.readiness.unmet(DATABASE_CONDITION, reason)
            _log.warning("waiting", reason=reason)

        await migrate_when_reachable(database_url, (SCHEMA, "access"), MIGRATIONS, waiting)
        await ensure_first_key(
            engine, settings.first_tenant, settings.first_key_file, settings.first_key_email, clock
        )
        service.readiness.met(DATABASE_CONDITION)
        set_up.set()
        # What is there now stays. Measured: a full collection took 4 of the grid's 10 ms, each time.
        gc.freeze()

    async def relay_when_set_up() -> None:
        if await unless_stopped(stop, set_up.wait()):
            await relay.run(stop)

    async def backtests_when_set_up() -> None:
        if await unless_stopped(stop, set_up.wait()):
            await run_backtests(engine, stop)

    async def watch_relay() -> None:
        while not stop.is_set():
            if relay.waiting_for is None:
                service.readiness.met(RELAY_CONDITION)
            else:
                service.readiness.unmet(RELAY_CONDITION, f"The outbox is not sent: {relay.waiting_for}")
            await asyncio.sleep(RELAY_CHECK_SECONDS)

    tasks = {
        "set-up": prepare(),
        "relay": relay_when_set_up(),
        "relay-watch": watch_relay(),
        "backtests": backtests_when_set_up(),
    }
    try:
        async with in_background(service, tasks):
            yield build_application(parts, built_console(settings.console_dir))
    finally:
        await ledger.close()
        await engine.dispose()


def built_console(folder: Path | None) -> ConsoleFiles | None:
    """The console, if it is built; without it the API is served alone."""
    if folder is None:
        return None
    if not (folder / "index.html").is_file():
        _log.warning("no console", reason=f"{folder} has no index.html; build it with make console")
        return None
    return ConsoleFiles(folder)


def new_workflow_id() -> str:
    """A fresh id, with no character that a Kafka key or a path treats specially."""
    return f"wf-{secrets.token_hex(WORKFLOW_ID_BYTES)}"
