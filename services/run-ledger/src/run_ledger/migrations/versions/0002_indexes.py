"""Indexes whose times go up, error texts found by workflow, figures by their index: see `adapters.schema`."""

from alembic import op

from run_ledger.adapters.history import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in schema.EXTENSIONS:
        op.execute(statement)
    op.execute(f"SET LOCAL search_path = {schema.HISTORY}, public")
    for statement in (*schema.PARTITIONED, *schema.SINGLE):
        if statement.startswith("CREATE INDEX"):
            op.execute(f"DROP INDEX IF EXISTS {statement.split()[2]}")
            op.execute(statement)
    for statement in schema.FIGURES:
        if statement.startswith("CREATE OR REPLACE VIEW"):
            op.execute(statement)
