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
    """CREATE TABLE ledger.bulk_retries (
        id uuid PRIMARY KEY,
        tenant_id text NOT NULL,
        mode text NOT NULL,
        repeat_completed boolean NOT NULL,
        per_second integer NOT NULL,
        requested_by text NOT NULL,
        requested_at_ms bigint NOT NULL,
        aborted boolean NOT NULL DEFAULT false)""",
    """CREATE TABLE ledger.bulk_retry_runs (
        bulk_id uuid NOT NULL REFERENCES ledger.bulk_retries ON DELETE CASCADE,
        position integer NOT NULL,
        run_id uuid NOT NULL,
        new_run_id uuid,
        problem text,
        PRIMARY KEY (bulk_id, run_id))""",
    """CREATE INDEX bulk_retry_runs_waiting ON ledger.bulk_retry_runs (bulk_id, position)
        WHERE new_run_id IS NULL AND problem IS NULL""",
    """CREATE TABLE ledger.retention (
        tenant_id text PRIMARY KEY,
        runs_days integer,
        payloads_days integer,
        verdicts_days integer,
        skipped_days integer)""",
)
