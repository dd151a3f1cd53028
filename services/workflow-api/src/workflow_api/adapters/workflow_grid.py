"""The grid: filtered, sorted, a page at a time by the place of the last row, with figures, in one query.

Its rows are made to be written as JSON at once: what PostgreSQL keeps as JSON is passed on as it is.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    Select,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    table,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from signalbox_runtime.http.paging import decode_cursor, encode_cursor
from workflow_api.adapters.figures import is_not_there
from workflow_api.adapters.reading import reading
from workflow_api.adapters.tables import workflows

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
    column("skipped_count", BigInteger),
    column("runs_by_status", JSONB),
    column("last_run_at", DateTime(timezone=True)),
    column("failed_24h", BigInteger),
    column("p50_ms", Float),
    column("p99_ms", Float),
    schema="history",
)
_FIGURE_NAMES: Final = (
    "run_count",
    "skipped_count",
    "runs_by_status",
    "last_run_at",
    "failed_24h",
    "p50_ms",
    "p99_ms",
)
_COLUMNS: Final = tuple(
    cast(each, Text).label(each.name) if each.name in {"trigger", "draft"} else each
    for each in workflows.c
    if each.name not in {"tenant_id", "revision", "last_row_id"}
)
_NO_RUNS: Final = msgspec.Raw(b"{}")
_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""Where a workflow without runs stands among the others."""


@dataclass(frozen=True, slots=True)
class GridFilter:
    """Which workflows: of a tenant, and where given of a status, a module, with a text."""

    tenant_id: str
    status: str | None
    module: str | None
    text: str | None


class GridRow(msgspec.Struct, frozen=True, gc=False):
    """A workflow and the figures of its runs, in the names that api.md fixes."""

    id: str
    name: str
    description: str
    status: str
    trigger: msgspec.Raw
    module: str
    event: str
    version: int | None
    draft: msgspec.Raw | None
    run_count: int
    skipped_count: int
    runs_by_status: msgspec.Raw
    last_run_at: datetime | None
    failed_24h: int
    p50_ms: float | None
    p99_ms: float | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


class GridPage(msgspec.Struct, frozen=True):
    """A page, and the cursor of the next one."""

    items: list[GridRow]
    next: str | None


async def read_grid(
    engine: AsyncEngine, wanted: GridFilter, order: str, limit: int, cursor: str | None
) -> GridPage:
    """A page. Before the ledger's first start, no workflow has runs."""
    try:
        return await _read(engine, wanted, order, limit, cursor, with_figures=True)
    except ProgrammingError as error:
        if not is_not_there(error):
            raise
    return await _read(engine, wanted, order, limit, cursor, with_figures=False)


async def _read(
    engine: AsyncEngine, wanted: GridFilter, order: str, limit: int, cursor: str | None, *, with_figures: bool
) -> GridPage:
    descending, name = order.startswith("-"), order.removeprefix("-")
    place = decode_cursor(cursor, _kind_of(name), str)
    given = {"status": wanted.status, "module": wanted.module, "text": wanted.text or None, "place": place}
    shape = _Shape(
        name,
        descending,
        frozenset(field for field, value in given.items() if value is not None),
        with_figures=with_figures,
    )
    values: dict[str, Any] = {
        "tenant_id": wanted.tenant_id,
        "status": wanted.status,
        "module": wanted.module,
        "pattern": f"%{_escaped(wanted.text or '')}%",
        "rows": limit + 1,
    }
    if place is not None:
        values |= {"place": place[0], "place_id": place[1]}
    async with reading(engine) as connection:
        rows = (await connection.execute(_statement(shape), values)).all()
    items = [_row(row) for row in rows[:limit]]
    more = len(rows) > limit
    return GridPage(items, encode_cursor(rows[limit - 1].place, rows[limit - 1].id) if more else None)


def _kind_of(name: str) -> type:
    """What a cursor of this order holds."""
    if name.endswith("_at"):
        return datetime
    return str if name in workflows.c else int


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What makes one query differ from another but for values; `given` are the filters that are set."""

    name: str
    descending: bool
    given: frozenset[str]
    with_figures: bool


@cache
def _statement(shape: _Shape) -> Select[Any]:
    """Made once: to put it together takes SQLAlchemy as long as PostgreSQL takes to answer it."""
    query, sorted_by = _sorted(shape)
    query = query.where(*_conditions(shape.given))
    if "place" in shape.given:
        here = tuple_(sorted_by, workflows.c.id)
        there = tuple_(bindparam("place", type_=sorted_by.type), bindparam("place_id", type_=Text))
        query = query.where(here < there if shape.descending else here > there)
    page = query.order_by(*_directed(shape, sorted_by, workflows.c.id)).limit(bindparam("rows")).cte("page")
    shown = _with_figures(page) if shape.with_figures else _without_figures(page)
    return shown.order_by(*_directed(shape, page.c.place, page.c.id))


def _directed(shape: _Shape, *by: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [each.desc() for each in by] if shape.descending else list(by)


def _sorted(shape: _Shape) -> tuple[Select[Any], ColumnElement[Any]]:
    """The query, and what it is sorted by."""
    name = shape.name
    if name in workflows.c:
        by: ColumnElement[Any] = func.lower(workflows.c.name) if name == "name" else workflows.c[name]
        return select(*_COLUMNS, by.label("place")), by
    never = literal(_NEVER if name == "last_run_at" else 0)
    if not shape.with_figures:
        return select(*_COLUMNS, never.label("place")), never
    # Only one figure is named, so PostgreSQL leaves out the joins of the view that the others need. With a
    # plain `=` in place of `= ANY` it does not: the join is then on a constant, no longer on a unique key.
    figures = select(_FIGURES.c.workflow_id, _FIGURES.c[name]).where(
        _FIGURES.c.tenant_id == any_(array([bindparam("tenant_id", type_=Text)]))
    )
    runs = figures.subquery("runs")
    by = func.coalesce(runs.c[name], never)
    joined = workflows.outerjoin(runs, runs.c.workflow_id == workflows.c.id)
    return select(*_COLUMNS, by.label("place")).select_from(joined), by


def _conditions(given: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [workflows.c.tenant_id == bindparam("tenant_id")]
    if "status" in given:
        conditions.append(workflows.c.status == bindparam("status"))
    else:
        conditions.append(workflows.c.status != "archived")
    if "module" in given:
        conditions.append(workflows.c.module == bindparam("module"))
    if "text" in given:
        pattern = func.lower(bindparam("pattern", type_=Text))
        in_name = func.lower(workflows.c.name).like(pattern, escape="/")
        conditions.append(or_(in_name, func.lower(workflows.c.description).like(pattern, escape="/")))
    return conditions


def _with_figures(page: CTE) -> Select[Any]:
    """One look at the view per workflow; OFFSET keeps the view whole, so that the id reaches into its groups.
    Joined plainly, it would be computed for all of the tenant's workflows.
    """
    figures = (
        select(*_figure_columns())
        .where(_FIGURES.c.tenant_id == bindparam("tenant_id"), _FIGURES.c.workflow_id == page.c.id)
        .offset(0)
        .lateral("figures")
    )
    return select(page, *figures.c).select_from(page.outerjoin(figures, true()))


def _figure_columns() -> list[ColumnElement[Any]]:
    return [
        cast(_FIGURES.c[name], Text).label(name) if name == "runs_by_status" else _FIGURES.c[name]
        for name in _FIGURE_NAMES
    ]


def _without_figures(page: CTE) -> Select[Any]:
    return select(page, *(null().label(name) for name in _FIGURE_NAMES))


def _row(row: Any) -> GridRow:
    return GridRow(
        id=row.id,
        name=row.name,
        description=row.description,
        status=row.status,
        trigger=msgspec.Raw(row.trigger.encode()),
        module=row.module,
        event=row.event,
        version=row.version,
        draft=None if row.draft is None else msgspec.Raw(row.draft.encode()),
        run_count=row.run_count or 0,
        skipped_count=row.skipped_count or 0,
        runs_by_status=_NO_RUNS if row.runs_by_status is None else msgspec.Raw(row.runs_by_status.encode()),
        last_run_at=row.last_run_at,
        failed_24h=row.failed_24h or 0,
        p50_ms=row.p50_ms,
        p99_ms=row.p99_ms,
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
        updated_by=row.updated_by,
    )
