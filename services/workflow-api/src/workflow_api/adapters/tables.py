"""The tables of schemas `workflows` and `access`, for queries; `migrations/` makes them."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.types import JSON

metadata = MetaData()

workflows = Table(
    "workflows",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("description", Text),
    Column("status", Text),
    Column("module", Text),
    Column("event", Text),
    Column("trigger", JSON),
    Column("version", Integer),
    Column("draft", JSON(none_as_null=True)),
    Column("revision", BigInteger),
    Column("last_row_id", BigInteger),
    Column("created_at", DateTime(timezone=True)),
    Column("created_by", Text),
    Column("updated_at", DateTime(timezone=True)),
    Column("updated_by", Text),
    schema="workflows",
)

versions = Table(
    "versions",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("workflow_id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", JSON),
    Column("definition", LargeBinary),
    Column("note", Text),
    Column("published_at", DateTime(timezone=True)),
    Column("published_by", Text),
    schema="workflows",
)

email_templates = Table(
    "email_templates",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("subject", Text),
    Column("text", Text),
    Column("html", Text),
    Column("revision", BigInteger),
    Column("updated_at", DateTime(timezone=True)),
    Column("updated_by", Text),
    schema="workflows",
)

secrets = Table(
    "secrets",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key_id", Text),
    Column("nonce", LargeBinary),
    Column("ciphertext", LargeBinary),
    Column("created_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)),
    Column("updated_by", Text),
    schema="workflows",
)

backtests = Table(
    "backtests",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("workflow_id", Text),
    Column("status", Text),
    Column("request", JSON),
    Column("progress", JSON),
    Column("result", JSON(none_as_null=True)),
    Column("error", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("created_by", Text),
    Column("claim", Text),
    Column("beat_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    schema="workflows",
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True)),
    schema="access",
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid(as_uuid=False), primary_key=True, server_default=FetchedValue()),
    Column("tenant_id", Text),
    Column("name", Text),
    Column("role", Text),
    Column("key_hash", LargeBinary),
    Column("email", Text),
    Column("requests_per_minute", Integer),
    Column("created_at", DateTime(timezone=True)),
    Column("created_by", Text),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    schema="access",
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tenant_id", Text),
    Column("at", DateTime(timezone=True)),
    Column("actor", Text),
    Column("action", Text),
    Column("object_type", Text),
    Column("object_id", Text),
    Column("before", JSON),
    Column("after", JSON),
    schema="access",
)
