"""The grid: filtered, sorted, a page at a time by the place of the last row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_runtime.paging import decode_cursor, encode_cursor
from workflow_api.adapters.tables import workflows
from workflow_api.adapters.workflow_rows import from_row
from workflow_api.domain.workflow import Workflow

GridOrder = Literal[
    "name", "-name", "status", "-status", "created_at", "-created_at", "updated_at", "-updated_at"
]
ORDERS: Final[tuple[str, ...]] = get_args(GridOrder)


@dataclass(frozen=True, slots=True)
class GridFilter:
    """Which workflows: of a tenant, and where given of a status, a module, with a text."""

    tenant_id: str
    status: str | None
    module: str | None
    text: str | None


async def read_grid(
    engine: AsyncEngine, wanted: GridFilter, order: str, limit: int, cursor: str | None
) -> tuple[list[Workflow], str | None]:
    """A page, and the cursor of the next one."""
    descending = order.startswith("-")
    column = _sorted_by(order.removeprefix("-"))
    is_time = order.removeprefix("-").endswith("_at")
    query = select(workflows, column.label("place")).where(*_conditions(wanted))
    place = decode_cursor(cursor, datetime if is_time else str, str)
    if place is not None:
        here, there = tuple_(column, workflows.c.id), tuple_(*place)
        query = query.where(here < there if descending else here > there)
    if descending:
        query = query.order_by(column.desc(), workflows.c.id.desc())
    else:
        query = query.order_by(column, workflows.c.id)
    async with engine.connect() as connection:
        rows = (await connection.execute(query.limit(limit + 1))).mappings().all()
    page = rows[:limit]
    found = [from_row({name: row[name] for name in row if name != "place"}) for row in page]
    more = len(rows) > limit
    return found, encode_cursor(page[-1]["place"], page[-1]["id"]) if more else None


def _sorted_by(name: str) -> ColumnElement[Any]:
    return func.lower(workflows.c.name) if name == "name" else workflows.c[name]


def _conditions(wanted: GridFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [workflows.c.tenant_id == wanted.tenant_id]
    if wanted.status is None:
        conditions.append(workflows.c.status != "archived")
    else:
        conditions.append(workflows.c.status == wanted.status)
    if wanted.module is not None:
        conditions.append(workflows.c.module == wanted.module)
    if wanted.text:
        conditions.append(
            or_(
                workflows.c.name.icontains(wanted.text, autoescape=True),
                workflows.c.description.icontains(wanted.text, autoescape=True),
            )
        )
    return conditions
