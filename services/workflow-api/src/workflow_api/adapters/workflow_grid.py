"""The grid: filtered, sorted, a page at a time by the place of the last row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    column,
    func,
    literal,
    or_,
    select,
    table,
    tuple_,
)
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_runtime.paging import decode_cursor, encode_cursor
from workflow_api.adapters.figures import is_not_there
from workflow_api.adapters.tables import workflows
from workflow_api.adapters.workflow_rows import from_row
from workflow_api.domain.workflow import Workflow

GridOrder = Literal[
    "name",
    "-name",
    "status",
    "-status",
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "run_count",
    "-run_count",
    "last_run_at",
    "-last_run_at",
    "failed_24h",
    "-failed_24h",
]
_FIGURES: Final = table(
    "workflow_figures",
    column("tenant_id", Text),
    column("workflow_id", Text),
    column("run_count", BigInteger),
    column("last_run_at", DateTime(timezone=True)),
    column("failed_24h", BigInteger),
    schema="history",
)
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""Where a workflow without runs stands among the others."""


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
    """A page, and the cursor of the next one. Before the ledger's first start, no workflow has runs."""
    try:
        return await _read(engine, wanted, order, limit, cursor, with_figures=True)
    except ProgrammingError as error:
        if not is_not_there(error):
            raise
    return await _read(engine, wanted, order, limit, cursor, with_figures=False)


async def _read(
    engine: AsyncEngine, wanted: GridFilter, order: str, limit: int, cursor: str | None, *, with_figures: bool
) -> tuple[list[Workflow], str | None]:
    descending, name = order.startswith("-"), order.removeprefix("-")
    query, sorted_by, kind = _sorted(name, wanted.tenant_id, with_figures=with_figures)
    query = query.where(*_conditions(wanted))
    place = decode_cursor(cursor, kind, str)
    if place is not None:
        here, there = tuple_(sorted_by, workflows.c.id), tuple_(*place)
        query = query.where(here < there if descending else here > there)
    if descending:
        query = query.order_by(sorted_by.desc(), workflows.c.id.desc())
    else:
        query = query.order_by(sorted_by, workflows.c.id)
    async with engine.connect() as connection:
        rows = (await connection.execute(query.limit(limit + 1))).mappings().all()
    page = rows[:limit]
    found = [from_row({name: row[name] for name in row if name != "place"}) for row in page]
    more = len(rows) > limit
    return found, encode_cursor(page[-1]["place"], page[-1]["id"]) if more else None


def _sorted(name: str, tenant_id: str, *, with_figures: bool) -> tuple[Select[Any], ColumnElement[Any], type]:
    """The query, what it is sorted by, and of which type that is in a cursor."""
    if name in workflows.c:
        by: ColumnElement[Any] = func.lower(workflows.c.name) if name == "name" else workflows.c[name]
        return select(workflows, by.label("place")), by, datetime if name.endswith("_at") else str
    kind = datetime if name == "last_run_at" else int
    never = literal(_NEVER if name == "last_run_at" else 0)
    if not with_figures:
        return select(workflows, never.label("place")), never, kind
    # Only the one column is named, so PostgreSQL leaves out the parts of the view that the others need.
    figures = select(_FIGURES.c.workflow_id, _FIGURES.c[name]).where(_FIGURES.c.tenant_id == tenant_id)
    runs = figures.subquery("runs")
    by = func.coalesce(runs.c[name], never)
    joined = workflows.outerjoin(runs, runs.c.workflow_id == workflows.c.id)
    return select(workflows, by.label("place")).select_from(joined), by, kind


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
