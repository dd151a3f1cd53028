"""PostgreSQL: the engine, waiting until the server answers, and migrations at start.

Each service owns one or more schemas. Its revisions lie in a folder `migrations/versions` of its package
and run through `migrate`; which of them ran is kept in a table inside the first of its schemas.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import sqlalchemy
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

VERSION_TABLE: Final = "schema_version"
CONNECT_TIMEOUT_SECONDS: Final = 5
RETRY_FIRST_SECONDS: Final = 0.2
RETRY_MAX_SECONDS: Final = 5.0
MIGRATION_LOCK: Final = 0x5347_4D47
"""First half of the advisory lock under which a schema is migrated; the second is the schema."""


def sqlalchemy_url(database_url: str) -> str:
    """`postgresql://…` with the driver named, as SQLAlchemy wants it. Raises ValueError when it is empty."""
    if not database_url:
        raise ValueError(
            "No database is named: set SIGNALBOX_DATABASE_URL=postgresql://user@host:port/database."
        )
    return make_url(database_url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def create_engine(
    database_url: str, *, pool_size: int = 10, application_name: str = "signalbox"
) -> AsyncEngine:
    """An engine with a pool of `pool_size` connections; a broken one is replaced when it is taken."""
    return create_async_engine(
        sqlalchemy_url(database_url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": application_name},
    )


async def answers(engine: AsyncEngine) -> bool:
    """Whether PostgreSQL answers now: for readiness."""
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except (OperationalError, InterfaceError, sqlalchemy.exc.TimeoutError):
        return False
    return True


async def migrate_when_reachable(
    database_url: str,
    schemas: tuple[str, ...],
    migrations: Path,
    on_waiting: Callable[[str], None],
) -> None:
    """Brings `schemas` up to the newest revision in `migrations`, waiting for PostgreSQL as long as it takes.

    `on_waiting` is told why, each time it waits. A revision that fails raises.
    """
    pause_seconds = RETRY_FIRST_SECONDS
    while True:
        try:
            await asyncio.to_thread(migrate, database_url, schemas, migrations)
        except (OperationalError, InterfaceError) as error:
            on_waiting(f"PostgreSQL does not answer: {str(error.orig).strip()}")
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, RETRY_MAX_SECONDS)
        else:
            return


def migrate(database_url: str, schemas: tuple[str, ...], migrations: Path) -> None:
    """Makes `schemas` where they lack and runs the revisions that have not run.

    Processes that start together take turns by an advisory lock, so each revision runs once.
    """
    engine = sqlalchemy.create_engine(
        sqlalchemy_url(database_url),
        poolclass=sqlalchemy.NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    )
    with engine.connect() as connection:
        lock = {"lock": MIGRATION_LOCK, "schema": schemas[0]}
        connection.execute(text("SELECT pg_advisory_lock(:lock, hashtext(:schema))"), lock)
        try:
            if _version(connection, schemas[0]) != newest_revision(migrations):
                for schema in schemas:
                    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
                connection.commit()
                _upgrade(connection, schemas[0], migrations)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock, hashtext(:schema))"), lock)
            connection.commit()
    engine.dispose()


def newest_revision(migrations: Path) -> str:
    """The last of a package's revisions, which follow one another and begin the names of their files."""
    return max(path.name.partition("_")[0] for path in (migrations / "versions").glob("*.py"))


def _version(connection: Connection, version_schema: str) -> str | None:
    """The revision that ran last; None before the first."""
    table = f'"{version_schema}"."{VERSION_TABLE}"'
    if connection.execute(text("SELECT to_regclass(:table)"), {"table": table}).scalar_one() is None:
        return None
    version: str | None = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608
    return version


def _upgrade(connection: Connection, version_schema: str, migrations: Path) -> None:
    # Here, since nearly every start finds nothing to do, and Alembic takes half a second to load.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(migrations)

    def revisions(revision: Any, context: Any) -> Any:
        return script._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), script, fn=revisions) as environment:
        environment.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            version_table_schema=version_schema,
            transaction_per_migration=True,
        )
        with environment.begin_transaction():
            environment.run_migrations()
