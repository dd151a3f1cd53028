"""The FastAPI application of workflow-api, from its parts."""

from dataclasses import dataclass

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_runtime.auth import Access
from signalbox_runtime.http import create_app
from signalbox_runtime.idempotency import IdempotencyStore
from signalbox_runtime.readiness import Readiness
from workflow_api.adapters.crm_catalogs import CrmCatalogs
from workflow_api.adapters.ledger_proxy import LedgerProxy
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
    email_templates,
    files,
    ledger,
    lifecycle,
    secrets,
    tests,
    versions,
    workflows,
)
from workflow_api.stored_secrets import StoredSecrets
from workflow_api.test_mails import TestMails
from workflow_api.workflows import Workflows

DESCRIPTION = (
    "Workflows, their versions, mail templates, secrets, keys, tests and backtests. Errors are RFC 9457 "
    "problem details whose `errors` point into the body; lists are pages with an opaque cursor; "
    "`Idempotency-Key` makes an unsafe call safe to repeat. Send a key as `Authorization: Bearer <key>`."
)
IMPORT_BYTES_MAX = 8_388_608
"""Largest body: an import of a few thousand workflows."""
ROUTERS = (
    workflows.router,
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
    ledger.router,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes work with; they find it in `request.app.state.parts`."""

    engine: AsyncEngine
    access: Access
    readiness: Readiness
    idempotency: IdempotencyStore
    workflows: Workflows
    email_templates: EmailTemplates
    secrets: StoredSecrets
    api_keys: ApiKeys
    catalogs: CrmCatalogs
    dry_runs: DryRuns
    test_mails: TestMails
    backtests: Backtests
    imports: Imports
    ledger: LedgerProxy


def build_application(parts: Parts) -> FastAPI:
    """The application, ready to serve."""
    app = create_app(
        title="Signalbox workflows",
        description=DESCRIPTION,
        routers=ROUTERS,
        access=parts.access,
        readiness=parts.readiness,
        idempotency=parts.idempotency,
        body_bytes_max=IMPORT_BYTES_MAX,
    )
    app.state.parts = parts
    return app
