"""Workflows, their versions and outbox; tenants, keys and the audit trail."""

from alembic import op

revision = "0001"
down_revision = None

ACCESS = (
    """CREATE TABLE access.tenants (
        id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
        created_at timestamptz NOT NULL)""",
    """CREATE TABLE access.api_keys (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        tenant_id text NOT NULL REFERENCES access.tenants,
        name text NOT NULL,
        role text NOT NULL CHECK (role IN ('viewer', 'operator', 'editor', 'admin')),
        key_hash bytea NOT NULL UNIQUE,
        email text,
        requests_per_minute integer NOT NULL CHECK (requests_per_minute > 0),
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz)""",
    "CREATE INDEX api_keys_of_tenant ON access.api_keys (tenant_id, created_at)",
    """CREATE TABLE access.audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        tenant_id text NOT NULL,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        object_type text NOT NULL,
        object_id text NOT NULL,
        before json,
        after json)""",
    "CREATE INDEX audit_of_tenant ON access.audit (tenant_id, id)",
    "CREATE INDEX audit_of_object ON access.audit (tenant_id, object_type, object_id, id)",
)

WORKFLOWS = (
    # json, not jsonb: a document comes back as its author ordered it.
    """CREATE TABLE workflows.workflows (
        tenant_id text NOT NULL,
        id text NOT NULL,
        name text NOT NULL,
        description text NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'paused', 'archived')),
        module text NOT NULL,
        event text NOT NULL,
        trigger json NOT NULL,
        version integer,
        draft json,
        revision bigint NOT NULL,
        last_row_id bigint NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        updated_at timestamptz NOT NULL,
        updated_by text NOT NULL,
        PRIMARY KEY (tenant_id, id),
        CHECK (version IS NOT NULL OR draft IS NOT NULL),
        CHECK (status <> 'active' OR version IS NOT NULL))""",
    "CREATE INDEX workflows_by_update ON workflows.workflows (tenant_id, updated_at DESC, id)",
    "CREATE INDEX workflows_by_name ON workflows.workflows (tenant_id, lower(name), id)",
    """CREATE TABLE workflows.versions (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        version integer NOT NULL,
        document json NOT NULL,
        definition bytea NOT NULL,
        note text,
        published_at timestamptz NOT NULL,
        published_by text NOT NULL,
        PRIMARY KEY (tenant_id, workflow_id, version),
        FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows.workflows)""",
    """CREATE TABLE workflows.email_templates (
        tenant_id text NOT NULL,
        name text NOT NULL,
        subject text NOT NULL,
        text text,
        html text,
        revision bigint NOT NULL,
        updated_at timestamptz NOT NULL,
        updated_by text NOT NULL,
        PRIMARY KEY (tenant_id, name))""",
    """CREATE TABLE workflows.secrets (
        tenant_id text NOT NULL,
        name text NOT NULL,
        key_id text NOT NULL,
        nonce bytea NOT NULL,
        ciphertext bytea NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        updated_by text NOT NULL,
        PRIMARY KEY (tenant_id, name))""",
    """CREATE TABLE workflows.backtests (
        tenant_id text NOT NULL,
        id text NOT NULL,
        workflow_id text NOT NULL,
        status text NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'failed', 'canceled')),
        request json NOT NULL,
        progress json NOT NULL,
        result json,
        error text,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        claim text,
        beat_at timestamptz,
        finished_at timestamptz,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows.workflows)""",
    "CREATE INDEX backtests_to_do ON workflows.backtests (created_at) WHERE status IN ('waiting', 'running')",
    "CREATE INDEX backtests_of_workflow ON workflows.backtests (tenant_id, workflow_id, created_at)",
)


OUTBOX = (
    """CREATE TABLE workflows.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        key bytea NOT NULL,
        value bytea,
        headers jsonb NOT NULL DEFAULT '[]',
        ends_group boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE workflows.outbox_generation (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        generation uuid NOT NULL DEFAULT gen_random_uuid())""",
    "INSERT INTO workflows.outbox_generation DEFAULT VALUES",
)

IDEMPOTENCY = (
    """CREATE TABLE workflows.idempotency_keys (
        key bytea PRIMARY KEY,
        fingerprint bytea NOT NULL,
        claimed_at timestamptz NOT NULL DEFAULT now(),
        status smallint,
        headers jsonb,
        body bytea)""",
    "CREATE INDEX idempotency_keys_claimed_at ON workflows.idempotency_keys (claimed_at)",
)


def upgrade() -> None:
    """Makes the tables."""
    for statement in (*ACCESS, *WORKFLOWS, *OUTBOX, *IDEMPOTENCY):
        op.execute(statement)
