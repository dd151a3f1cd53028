"""The history, and beside it what people asked of the ledger."""

from alembic import op

from run_ledger.adapters.history import schema
from run_ledger.adapters.requests import requests_schema
from signalbox_runtime.http import idempotency
from signalbox_runtime.outbox import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in schema.EXTENSIONS:
        op.execute(statement)
    op.execute(f"SET LOCAL search_path = {schema.HISTORY}, public")
    for statement in schema.history_statements():
        op.execute(statement)
    for statement in (
        *requests_schema.STATEMENTS,
        *tables.create_statements(schema.LEDGER),
        *idempotency.create_statements(schema.LEDGER),
    ):
        op.execute(statement)
