"""A database of the last release, brought up to date, is a fresh one; and both are what the code expects.

`released/<service>.sql` is `pg_dump --inserts --no-owner` of a database that the last release made. A release
writes it anew: `python -m tests.integration.migrations.dump`.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import MetaData, create_engine

import workflow_api.adapters.tables as workflow_tables
from run_ledger.adapters.history import schema
from run_ledger.adapters.requests import requests_schema
from signalbox_runtime.database import migrate, sqlalchemy_url
from signalbox_runtime.http import idempotency
from signalbox_runtime.outbox import tables as outbox

from .catalog import catalog
from .services_with_tables import SERVICES, ServiceWithTables

RELEASED = Path(__file__).parent / "released"


@contextmanager
def empty_database(postgres_url: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def restore(database_url: str, dump: Path) -> None:
    # What begins with a backslash is for psql alone.
    statements = "".join(line for line in dump.read_text().splitlines(keepends=True) if line[0] != "\\")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(statements.encode())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_database_of_the_last_release_becomes_a_fresh_one(
    postgres_url: str, service: ServiceWithTables
) -> None:
    with empty_database(postgres_url) as old, empty_database(postgres_url) as fresh:
        restore(old, RELEASED / f"{service.name}.sql")
        migrate(old, service.schemas, service.migrations)
        migrate(fresh, service.schemas, service.migrations)
        assert catalog(old, service.schemas) == catalog(fresh, service.schemas)


def test_the_ledgers_migrations_make_what_a_rebuild_makes(postgres_url: str) -> None:
    ledger = next(service for service in SERVICES if service.name == "run_ledger")
    with empty_database(postgres_url) as migrated, empty_database(postgres_url) as made:
        migrate(migrated, ledger.schemas, ledger.migrations)
        with psycopg.connect(made, autocommit=True) as connection:
            for name in ledger.schemas:
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            connection.execute("SET search_path = history, public")
            for statement in (
                *schema.EXTENSIONS,
                *schema.history_statements(),
                *requests_schema.STATEMENTS,
                *outbox.create_statements(schema.LEDGER),
                *idempotency.create_statements(schema.LEDGER),
            ):
                connection.execute(statement.encode())
        assert catalog(migrated, ledger.schemas) == catalog(made, ledger.schemas)


def test_the_apis_migrations_make_the_columns_its_queries_name(postgres_url: str) -> None:
    api = next(service for service in SERVICES if service.name == "workflow_api")
    with empty_database(postgres_url) as migrated:
        migrate(migrated, api.schemas, api.migrations)
        engine = create_engine(sqlalchemy_url(migrated))
        there = MetaData()
        for name in api.schemas:
            there.reflect(engine, schema=name)
        engine.dispose()
        for table in workflow_tables.metadata.tables.values():
            assert table.key in there.tables
            assert {column.name for column in table.columns} <= set(there.tables[table.key].columns.keys())
