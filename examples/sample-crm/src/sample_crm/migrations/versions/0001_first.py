"""Records, users, pipelines, notifications, what was answered to which command, and the outbox."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    # json, not jsonb: it keeps the order of the fields, id and name first, for whoever reads an event.
    """CREATE TABLE sample_crm.records (
        module text NOT NULL,
        id text NOT NULL,
        number bigint GENERATED ALWAYS AS IDENTITY,
        data json NOT NULL,
        PRIMARY KEY (module, id))""",
    "CREATE INDEX records_in_order ON sample_crm.records (module, number)",
    # What the overdue clock looks for.
    """CREATE INDEX records_due ON sample_crm.records ((data->>'due_on'))
        WHERE module = 'invoices' AND data->>'status' = 'Sent'""",
    """CREATE TABLE sample_crm.users (
        id text PRIMARY KEY,
        name text NOT NULL,
        email text NOT NULL)""",
    """INSERT INTO sample_crm.users (id, name, email) VALUES
        ('u-1', 'Ada Byron', 'ada@crm.example'),
        ('u-2', 'Grace Murray', 'grace@crm.example'),
        ('u-3', 'Katherine Coleman', 'katherine@crm.example')""",
    # Stages are {"name", "kind"} in order.
    """CREATE TABLE sample_crm.pipelines (
        module text PRIMARY KEY,
        stages jsonb NOT NULL)""",
    """INSERT INTO sample_crm.pipelines (module, stages) VALUES
        ('leads', '[{"name": "New", "kind": "open"}, {"name": "Contacted", "kind": "open"},
            {"name": "Qualified", "kind": "open"}, {"name": "Nurturing", "kind": "open"}]'),
        ('opportunities', '[{"name": "Qualification", "kind": "open"}, {"name": "Proposal", "kind": "open"},
            {"name": "Negotiation", "kind": "open"}, {"name": "Closed Won", "kind": "won"},
            {"name": "Closed Lost", "kind": "lost"}]')""",
    """CREATE TABLE sample_crm.notifications (
        id text PRIMARY KEY,
        number bigint GENERATED ALWAYS AS IDENTITY,
        user_id text NOT NULL REFERENCES sample_crm.users (id),
        message text NOT NULL,
        module text NOT NULL,
        record_id text NOT NULL,
        workflow_id text,
        created_at timestamptz NOT NULL,
        read_at timestamptz)""",
    "CREATE INDEX notifications_of_user ON sample_crm.notifications (user_id, number)",
    # The answer but for its reply context. A command id is here if and only if it was decided.
    """CREATE TABLE sample_crm.command_results (
        command_id text PRIMARY KEY,
        answer bytea NOT NULL,
        answered_at timestamptz NOT NULL)""",
    "CREATE INDEX command_results_by_age ON sample_crm.command_results (answered_at)",
    """CREATE TABLE sample_crm.held_answers (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        due_at timestamptz NOT NULL,
        key bytea NOT NULL,
        value bytea NOT NULL)""",
    "CREATE INDEX held_answers_by_due ON sample_crm.held_answers (due_at)",
    """CREATE TABLE sample_crm.behaviour (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        content jsonb NOT NULL DEFAULT '{}',
        answered bigint NOT NULL DEFAULT 0)""",
    "INSERT INTO sample_crm.behaviour DEFAULT VALUES",
    """CREATE TABLE sample_crm.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        key bytea NOT NULL,
        value bytea,
        headers jsonb NOT NULL DEFAULT '[]',
        ends_group boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE sample_crm.outbox_generation (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        generation uuid NOT NULL DEFAULT gen_random_uuid())""",
    "INSERT INTO sample_crm.outbox_generation DEFAULT VALUES",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
