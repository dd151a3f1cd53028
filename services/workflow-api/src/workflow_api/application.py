"""The FastAPI application of workflow-api, from its parts."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_rules.workflow_schema import workflow_schema
from signalbox_runtime.clock import Clock
from signalbox_runtime.http.application import create_app
from signalbox_runtime.http.auth import Access
from signalbox_runtime.http.idempotency import Claim, Fresh, IdempotencyStore, StoredAnswer
from signalbox_runtime.http.sessions import Sessions
from signalbox_runtime.process.readiness import Readiness
from workflow_api.adapters.console_files import ConsoleBeside, ConsoleFiles
from workflow_api.adapters.crm_catalogs import CrmCatalogs
from workflow_api.adapters.event_search import EventSearch
from workflow_api.adapters.ledger_proxy import LedgerProxy
from workflow_api.adapters.recent_records import RecentRecords
from workflow_api.api_keys import ApiKeys
from workflow_api.backtests import Backtests
from workflow_api.dry_runs import DryRuns
from workflow_api.email_templates import EmailTemplates
from workflow_api.imports import Imports
from workflow_api.routes import (
    api_keys,
    audit,
    backtests,
    catalog,
    drafts,
    email_templates,
    files,
    ledger,
    lifecycle,
    records,
    secrets,
    session,
    tests,
    versions,
    workflows,
)
from workflow_api.routes.session import SignIns
from workflow_api.stored_secrets import StoredSecrets
from workflow_api.test_mails import TestMails
from workflow_api.workflows import Workflows

DESCRIPTION = (
    "Workflows, their versions, mail templates, secrets, keys, tests and backtests. Errors are RFC 9457 "
    "problem details whose `errors` point into the body; lists are pages with an opaque cursor; "
    "`Idempotency-Key` makes an unsafe call safe to repeat. Send a key as `Authorization: Bearer <key>`. "
    "Runs, retries, timelines and figures are run-ledger's: /openapi/run-ledger.json describes them."
)
IMPORT_BYTES_MAX = 8_388_608
"""Largest body: an import of a few thousand workflows."""
ROUTERS = (
    session.router,
    workflows.router,
    drafts.router,
    lifecycle.router,
    versions.router,
    tests.router,
    backtests.router,
    catalog.router,
    files.router,
    email_templates.router,
    secrets.router,
    api_keys.router,
    audit.router,
    records.router,
    ledger.router,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes work with; they find it in `request.app.state.parts`."""

    engine: AsyncEngine
    access: Access
    clock: Clock
    sessions: Sessions
    sign_ins: SignIns
    readiness: Readiness
    idempotency: IdempotencyStore
    workflows: Workflows
    email_templates: EmailTemplates
    secrets: StoredSecrets
    api_keys: ApiKeys
    catalogs: CrmCatalogs
    dry_runs: DryRuns
    event_search: EventSearch
    recent_records: RecentRecords
    test_mails: TestMails
    backtests: Backtests
    imports: Imports
    ledger: LedgerProxy


def build_application(parts: Parts, console: ConsoleFiles | None = None) -> FastAPI:
    """The application, ready to serve; with the console where it is built."""
    app = _application(parts.access, parts.readiness, parts.idempotency)
    app.state.parts = parts
    if console is not None:
        app.router.default = ConsoleBeside(console, app.router.default)
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI document, without anything behind the routes: schemas/openapi/workflow-api.json."""
    return _application(None, Readiness(), _NoMemory()).openapi()


def _application(
    access: Access | None, readiness: Readiness, idempotency: IdempotencyStore | None
) -> FastAPI:
    return create_app(
        title="Signalbox workflows",
        description=DESCRIPTION,
        routers=ROUTERS,
        access=access,
        readiness=readiness,
        idempotency=idempotency,
        body_bytes_max=IMPORT_BYTES_MAX,
        schemas=_document_schemas(),
    )


class _NoMemory:
    """Where nobody calls, nothing is remembered; that keys are taken is all that it says."""

    async def claim(self, key: bytes, fingerprint: bytes) -> Claim:
        return Fresh()

    async def remember(self, key: bytes, answer: StoredAnswer | None) -> None:
        return None


def _document_schemas() -> dict[str, Any]:
    """The JSON Schema of a workflow document as components, its references rewritten."""
    schema = _component(workflow_schema())
    schema.pop("$schema", None)
    definitions: dict[str, Any] = schema.pop("$defs")
    return {**definitions, "WorkflowDocument": schema}


def _component(value: Any) -> Any:
    match value:
        case dict():
            return {key: _component(member) for key, member in value.items()}
        case list():
            return [_component(member) for member in value]
        case str():
            return value.replace("#/$defs/", "#/components/schemas/")
        case _:
            return value
