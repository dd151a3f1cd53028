"""Telling who listens which runs changed: the payloads of PostgreSQL's NOTIFY, `tenant id,id,…`."""

from collections.abc import Iterable
from typing import Final

from run_ledger.domain.rows import RunKey

CHANNEL: Final = "history_changed"
MANY: Final = "*"
"""In the place of ids: more changed than is listed."""
IDS_PER_NOTE: Final = 150
"""37 characters each; a note takes 8,000 bytes."""
NOTES_MAX: Final = 10
TELL: Final = "SELECT pg_notify('history_changed', note) FROM unnest(%s::text[]) note"


def notes(runs: Iterable[RunKey]) -> list[str]:
    """The notes that tell of these runs, each to its own tenant."""
    by_tenant: dict[str, list[str]] = {}
    for tenant_id, run_id in runs:
        by_tenant.setdefault(tenant_id, []).append(run_id)
    return [f"{tenant_id} {ids}" for tenant_id, run_ids in by_tenant.items() for ids in _listed(run_ids)]


def _listed(run_ids: list[str]) -> list[str]:
    if len(run_ids) > IDS_PER_NOTE * NOTES_MAX:
        return [MANY]
    return [",".join(run_ids[at : at + IDS_PER_NOTE]) for at in range(0, len(run_ids), IDS_PER_NOTE)]
