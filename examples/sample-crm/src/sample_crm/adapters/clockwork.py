"""What happens by itself: invoices fall overdue, held answers go out, old answers are forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import InterfaceError, OperationalError

from sample_crm.adapters.tables import COMMAND_RESULTS, HELD_ANSWERS, RECORDS
from sample_crm.adapters.unit import Crm
from sample_crm.domain.actions import mark_overdue
from sample_crm.domain.events import Cause
from signalbox_contracts import topics
from signalbox_runtime.records import Outbound

BATCH_ROWS: Final = 100
ANSWERS_KEPT: Final = timedelta(days=90)
"""Three times as long as Kafka keeps commands, so that none is ever decided twice."""
CLOCK: Final = Cause(actor=None, origin="system")
log = structlog.get_logger()


async def run_clockwork(crm: Crm, stop: asyncio.Event, tick_seconds: float) -> None:
    """Ticks until `stop` is set."""
    async for _ in _ticks(stop, tick_seconds):
        try:
            while await tick(crm):
                pass
        except (OperationalError, InterfaceError) as error:
            log.warning("clockwork waits for PostgreSQL", reason=str(error))


async def tick(crm: Crm) -> bool:
    """Does what is due now. True if there may be more."""
    async with crm.unit() as unit:
        now = unit.setting.now
        due = (
            select(RECORDS.c.data)
            .where(
                RECORDS.c.module == "invoices",
                RECORDS.c.data["status"].astext == "Sent",
                RECORDS.c.data["due_on"].astext < now.date().isoformat(),
            )
            .limit(BATCH_ROWS)
            .with_for_update(skip_locked=True)
        )
        invoices = (await unit.connection.execute(due)).scalars().all()
        for invoice in invoices:
            unit.save(mark_overdue(invoice, unit.setting), CLOCK)
        first_due = (
            select(HELD_ANSWERS.c.number)
            .where(HELD_ANSWERS.c.due_at <= now)
            .order_by(HELD_ANSWERS.c.number)
            .limit(BATCH_ROWS)
            .with_for_update(skip_locked=True)
        )
        released = await unit.connection.execute(
            delete(HELD_ANSWERS)
            .where(HELD_ANSWERS.c.number.in_(first_due.scalar_subquery()))
            .returning(HELD_ANSWERS.c.number, HELD_ANSWERS.c.key, HELD_ANSWERS.c.value)
        )
        answers = sorted(released.all())
        for _, key, value in answers:
            unit.send(Outbound(topics.CRM_COMMAND_RESULTS, bytes(key), bytes(value)))
        await unit.connection.execute(
            delete(COMMAND_RESULTS).where(COMMAND_RESULTS.c.answered_at < now - ANSWERS_KEPT)
        )
    return len(invoices) == BATCH_ROWS or len(answers) == BATCH_ROWS


async def _ticks(stop: asyncio.Event, seconds: float) -> AsyncIterator[None]:
    while not stop.is_set():
        yield
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
