"""The tables of an outbox, one pair in each schema that owns one, and how rows get into it."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    insert,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from signalbox_runtime.records import Outbound

INSERT_LOCK: Final = 0x5347_4F49
"""First half of the advisory lock that makes rows visible in id order; the second is the schema."""


def create_statements(schema: str) -> tuple[str, ...]:
    """The DDL for a migration. `ends_group` is false on all but the last row of one `insert_rows`."""
    return (
        f"""CREATE TABLE {schema}.outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            topic text NOT NULL,
            key bytea NOT NULL,
            value bytea,
            headers jsonb NOT NULL DEFAULT '[]',
            ends_group boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now())""",
        f"""CREATE TABLE {schema}.outbox_generation (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            generation uuid NOT NULL DEFAULT gen_random_uuid())""",
        f"INSERT INTO {schema}.outbox_generation DEFAULT VALUES",
    )


class OutboxTables:
    """The outbox of one schema."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.channel = f"{schema}_outbox"
        metadata = MetaData(schema=schema)
        self.rows = Table(
            "outbox",
            metadata,
            Column("id", BigInteger, Identity(always=True), primary_key=True),
            Column("topic", Text, nullable=False),
            Column("key", LargeBinary, nullable=False),
            Column("value", LargeBinary),
            Column("headers", JSONB, nullable=False),
            Column("ends_group", Boolean, nullable=False),
            Column("created_at", DateTime(timezone=True), server_default=func.now()),
        )
        self.generation = Table(
            "outbox_generation",
            metadata,
            Column("only_row", Boolean, primary_key=True),
            Column("generation", Uuid, nullable=False),
        )

    async def insert_rows(self, connection: AsyncConnection, records: Sequence[Outbound]) -> int:
        """Adds `records` inside the caller's transaction and wakes the relay when that commits.

        They reach Kafka in one transaction, in this order. Returns the id of the last, for
        `OutboxRelay.effective`. From here to its end the caller's transaction holds the one lock of this
        outbox: insert last, commit soon.
        """
        if not records:
            raise ValueError("An outbox insert needs at least one record.")
        await connection.execute(
            text("SELECT pg_advisory_xact_lock(:lock, hashtext(:schema))"),
            {"lock": INSERT_LOCK, "schema": self.schema},
        )
        last = len(records) - 1
        statement = insert(self.rows).returning(self.rows.c.id, sort_by_parameter_order=True)
        result = await connection.execute(
            statement,
            [
                {
                    "topic": record.topic,
                    "key": record.key,
                    "value": record.value,
                    "headers": [[name, value.decode("utf-8")] for name, value in record.headers],
                    "ends_group": index == last,
                }
                for index, record in enumerate(records)
            ],
        )
        last_id = int(result.scalars().all()[-1])
        await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": self.channel})
        return last_id

    async def renew_generation(self, connection: AsyncConnection) -> None:
        """After a restore or rebuild: every row still kept is sent again, and old positions count no more."""
        await connection.execute(update(self.generation).values(generation=func.gen_random_uuid()))


def stored_headers(stored: object) -> tuple[tuple[str, bytes], ...]:
    """Headers as Kafka takes them, from the JSON of a row."""
    pairs = json.loads(stored) if isinstance(stored, str | bytes) else stored
    assert isinstance(pairs, list)
    return tuple((str(name), str(value).encode("utf-8")) for name, value in pairs)
