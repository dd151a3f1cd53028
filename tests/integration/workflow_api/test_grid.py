"""The grid beside the ledger's own view: figures, every order, texts with the marks of patterns."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import run_ledger
import workflow_api
from signalbox_runtime.database import create_engine, migrate
from workflow_api.adapters.workflow_grid import GridFilter, GridOrder, GridRow, read_grid
from workflow_api.routes.shapes import WorkflowOut

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
FLOWS = 12
ALL = GridFilter("demo", None, None, None)


@pytest.fixture(scope="module")
def filled_url(database_url: str) -> str:
    """Twelve workflows; number n had n runs, the last of them n minutes after ten; the first had none."""
    migrate(database_url, ("workflows", "access"), Path(workflow_api.__path__[0]) / "migrations")
    migrate(database_url, ("ledger", "history"), Path(run_ledger.__path__[0]) / "migrations")
    with psycopg.connect(database_url) as connection:
        for number in range(FLOWS):
            connection.execute(
                "INSERT INTO workflows.workflows (tenant_id, id, name, description, status, module, event,"
                " trigger, version, draft, revision, last_row_id, created_at, created_by, updated_at,"
                " updated_by)"
                " VALUES ('demo', %s, %s, %s, %s, 'leads', 'created', %s, 1, %s, 1, 0, %s, 'x', %s, 'x')",
                (
                    f"wf-{number:02}",
                    f"Flow {number:02}",
                    "100%_/ sure" if number == 3 else "100 sure",
                    "paused" if number % 2 else "active",
                    '{"module": "leads", "event": "created"}',
                    '{"name": "Ünï 🦊"}' if number == 4 else None,
                    NOW,
                    NOW,
                ),
            )
            if number:
                connection.execute(
                    "INSERT INTO history.figures (tenant_id, workflow_id, success, skipped, last_run_at_ms)"
                    " VALUES ('demo', %s, %s, 7, %s)",
                    (f"wf-{number:02}", number, int(NOW.timestamp() * 1000) + number * 60_000),
                )
                connection.execute(
                    "INSERT INTO history.figure_buckets (tenant_id, workflow_id, bucket_ms, ended_failed)"
                    " VALUES ('demo', %s, extract(epoch FROM now()) * 1000, %s)",
                    (f"wf-{number:02}", number),
                )
        connection.execute(
            "INSERT INTO history.figures (tenant_id, workflow_id, success) VALUES ('other', 'wf-05', 99)"
        )
    return database_url


@pytest.fixture
async def engine(filled_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(filled_url, application_name="test")
    yield engine
    await engine.dispose()


async def pages(engine: AsyncEngine, order: str, limit: int) -> list[GridRow]:
    rows: list[GridRow] = []
    cursor: str | None = None
    while True:
        page = await read_grid(engine, ALL, order, limit, cursor)
        rows += page.items
        if page.next is None:
            return rows
        cursor = page.next


@pytest.mark.parametrize("order", get_args(GridOrder))
async def test_pages_of_every_order_are_the_whole_list_in_that_order(engine: AsyncEngine, order: str) -> None:
    whole = (await read_grid(engine, ALL, order, 500, None)).items
    assert [row.id for row in await pages(engine, order, 5)] == [row.id for row in whole]
    never = datetime(1970, 1, 1, tzinfo=UTC)
    places = [
        (never if (place := getattr(row, order.removeprefix("-"))) is None else place, row.id)
        for row in whole
    ]
    assert len(whole) == FLOWS
    assert places == sorted(places, reverse=order.startswith("-"))


async def test_a_row_has_its_tenants_figures_and_json_as_it_was_written(engine: AsyncEngine) -> None:
    page = await read_grid(engine, GridFilter("demo", "paused", "leads", "flow 05"), "name", 50, None)
    (row,) = msgspec.json.decode(msgspec.json.encode(page))["items"]
    assert (row["run_count"], row["skipped_count"], row["failed_24h"]) == (5, 7, 5)
    assert row["runs_by_status"]["success"] == 5
    assert row["last_run_at"] == "2026-11-23T10:05:00Z"
    assert row["trigger"] == {"module": "leads", "event": "created"}
    assert row["draft"] is None
    shown: dict[str, Any] = WorkflowOut.model_validate(row).model_dump(mode="json")
    assert shown == row


async def test_a_workflow_that_never_ran_has_zeros(engine: AsyncEngine) -> None:
    page = await read_grid(engine, GridFilter("demo", None, None, "flow 00"), "name", 50, None)
    (row,) = page.items
    assert (row.run_count, row.failed_24h, row.last_run_at, row.p50_ms) == (0, 0, None, None)
    assert bytes(row.runs_by_status) == b"{}"


@pytest.mark.parametrize(
    ("text", "found"), [("0%_/ S", 1), ("100_", 0), ("%", 1), ("SURE", FLOWS), ("", FLOWS)]
)
async def test_marks_of_patterns_are_plain_characters(engine: AsyncEngine, text: str, found: int) -> None:
    page = await read_grid(engine, GridFilter("demo", None, None, text), "name", 50, None)
    assert len(page.items) == found


def test_the_rows_have_the_fields_that_are_documented() -> None:
    assert GridRow.__struct_fields__ == tuple(WorkflowOut.model_fields)
