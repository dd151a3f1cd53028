"""Sessions of the console, and one-time links to begin them."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """CREATE TABLE access.sessions (
        token_hash bytea PRIMARY KEY,
        key_id uuid NOT NULL REFERENCES access.api_keys ON DELETE CASCADE,
        created_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL)""",
    "CREATE INDEX sessions_by_use ON access.sessions (seen_at)",
    """CREATE TABLE access.sign_in_links (
        token_hash bytea PRIMARY KEY,
        key_id uuid NOT NULL REFERENCES access.api_keys ON DELETE CASCADE,
        expires_at timestamptz NOT NULL)""",
)


def upgrade() -> None:
    """Makes the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
