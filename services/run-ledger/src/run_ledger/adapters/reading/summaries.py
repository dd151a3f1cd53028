# ruff: noqa: S608 — the statements are put together from constants here; values are always bound
"""What lists show of runs beside their rows: the record's name, how far the actions are, the verdict."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from run_ledger.domain import story
from run_ledger.domain.event_key import event_key
from run_ledger.domain.records import RunRecord
from run_ledger.domain.views import RunSummary
from signalbox_contracts import codec
from signalbox_contracts.errors import UndecodableMessage
from signalbox_contracts.messages import CrmEvent

BODY_BYTES_MAX: Final = 65_536
"""Larger events are not read for a name: a list may have 500 of them."""

_BODIES: Final = f"""SELECT event_key::text, body FROM history.events
    WHERE tenant_id = :tenant_id AND event_key = ANY(:keys) AND octet_length(body) <= {BODY_BYTES_MAX}"""
_SUCCEEDED: Final = """SELECT run_id::text, count(DISTINCT action_index) FROM history.attempts
    WHERE tenant_id = :tenant_id AND run_id = ANY(:keys) AND outcome = 'success' GROUP BY run_id"""
_VERDICTS: Final = """SELECT run_id::text, verdict FROM history.verdicts
    WHERE tenant_id = :tenant_id AND run_id = ANY(:keys)"""


class Summaries:
    """Reads through an engine's pool."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def of(self, runs: Sequence[RunRecord]) -> list[RunSummary]:
        """The runs, all of one tenant, as lists show them."""
        if not runs:
            return []
        event_keys = {run.run_id: event_key(run.run_id, run.tenant_id, run.event_id) for run in runs}
        started = [run.run_id for run in runs if run.status != "skipped"]
        skipped = [run.run_id for run in runs if run.status == "skipped" and run.reason == "conditions"]
        tenant_id = runs[0].tenant_id
        bodies = await self._by_id(_BODIES, tenant_id, sorted(set(event_keys.values())))
        succeeded = await self._by_id(_SUCCEEDED, tenant_id, started)
        verdicts = await self._by_id(_VERDICTS, tenant_id, skipped)
        return [
            story.summary(
                run,
                story.Beside(
                    _record(bodies.get(event_keys[run.run_id])),
                    verdicts.get(run.run_id) or None,
                    succeeded.get(run.run_id, 0),
                ),
            )
            for run in runs
        ]

    async def _by_id(self, query: str, tenant_id: str, ids: Sequence[str]) -> dict[str, Any]:
        if not ids:
            return {}
        values = {"tenant_id": tenant_id, "keys": [UUID(each) for each in ids]}
        async with self._engine.connect() as connection:
            return {row[0]: row[1] for row in await connection.execute(text(query), values)}


def _record(body: bytes | None) -> bytes | None:
    if not body:
        return None  # dropped, erased, or too large
    try:
        return codec.decode(body, CrmEvent).record
    except UndecodableMessage:
        return None
