"""What people asked of the ledger: schema `ledger`, no fold of the journal, left alone by a rebuild."""

from typing import Final

STATEMENTS: Final = (
    # A run has one successor: the primary key is what five clicks at once meet.
    """CREATE TABLE ledger.retries (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        new_run_id uuid NOT NULL,
        mode text NOT NULL,
        repeat_completed boolean NOT NULL,
        retry_number integer NOT NULL,
        key_generations jsonb NOT NULL,
        requested_by text NOT NULL,
        requested_at_ms bigint NOT NULL,
        PRIMARY KEY (tenant_id, run_id))""",
    "CREATE UNIQUE INDEX retries_by_new_run ON ledger.retries (tenant_id, new_run_id)",
    """CREATE TABLE ledger.cancels (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        requested_by text NOT NULL,
        requested_at_ms bigint NOT NULL,
        PRIMARY KEY (tenant_id, run_id))""",
    # One settlement of one wait: `seq` is that of the RunWaiting it answers.
    """CREATE TABLE ledger.resolutions (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        seq bigint NOT NULL,
        action_index integer NOT NULL,
        resolution text NOT NULL,
        requested_by text NOT NULL,
        requested_at_ms bigint NOT NULL,
        PRIMARY KEY (tenant_id, run_id, seq))""",
)
