"""The tables of schema `sample_crm`, as SQLAlchemy Core sees them; migrations/ makes them."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSON, JSONB

from signalbox_runtime.outbox.tables import OutboxTables

SCHEMA: Final = "sample_crm"
_metadata: Final = MetaData(schema=SCHEMA)

RECORDS: Final = Table(
    "records",
    _metadata,
    Column("module", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True)),
    Column("data", JSON, nullable=False),
)
USERS: Final = Table(
    "users",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
)
PIPELINES: Final = Table(
    "pipelines",
    _metadata,
    Column("module", Text, primary_key=True),
    Column("stages", JSONB, nullable=False),
)
NOTIFICATIONS: Final = Table(
    "notifications",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, Identity(always=True)),
    Column("user_id", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("module", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("workflow_id", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("read_at", DateTime(timezone=True)),
)
COMMAND_RESULTS: Final = Table(
    "command_results",
    _metadata,
    Column("command_id", Text, primary_key=True),
    Column("answer", LargeBinary, nullable=False),
    Column("answered_at", DateTime(timezone=True), nullable=False),
)
HELD_ANSWERS: Final = Table(
    "held_answers",
    _metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
BEHAVIOUR: Final = Table(
    "behaviour",
    _metadata,
    Column("only_row", Boolean, primary_key=True),
    Column("content", JSONB, nullable=False),
    Column("answered", BigInteger, nullable=False),
)
OUTBOX: Final = OutboxTables(SCHEMA)
