"""What PostgreSQL's catalog says of some schemas, in an order of its own: to compare two databases."""

from typing import Any

import psycopg

COLUMNS = """SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default, is_identity
    FROM information_schema.columns WHERE table_schema = ANY(%s) AND table_name <> 'schema_version'"""
INDEXES = "SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = ANY(%s)"
CONSTRAINTS = """SELECT n.nspname, t.relname, c.conname, pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = ANY(%s)"""
VIEWS = "SELECT schemaname, viewname, definition FROM pg_views WHERE schemaname = ANY(%s)"


def catalog(database_url: str, schemas: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """Columns, indexes, constraints and views of `schemas`, each sorted, whatever their order in a table."""
    with psycopg.connect(database_url) as connection:
        return {
            kind: sorted(
                (row for row in connection.execute(query, (list(schemas),)) if "schema_version" not in row),
                key=repr,
            )
            for kind, query in (
                ("columns", COLUMNS),
                ("indexes", INDEXES),
                ("constraints", CONSTRAINTS),
                ("views", VIEWS),
            )
        }
