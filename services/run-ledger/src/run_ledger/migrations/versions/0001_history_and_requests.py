"""The history, and beside it what people asked of the ledger.

A revision is history: its statements stand here as they ran, whatever the code makes of them later.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EXTENSIONS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public",
    "CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public",
)

HISTORY = (
    """CREATE TABLE runs (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        workflow_id text,
        workflow_name text,
        version integer,
        module text,
        event text,
        event_id text,
        record_id text,
        occurred_at_ms bigint,
        started_at_ms bigint,
        retry_of uuid,
        retry_number integer NOT NULL DEFAULT 0,
        chain text NOT NULL DEFAULT '',
        depth integer NOT NULL DEFAULT 0,
        outline bytea,
        kept bytea,
        seq bigint NOT NULL,
        status text NOT NULL,
        moved_at_ms bigint NOT NULL,
        ended_at_ms bigint,
        waiting_for text,
        deadline_ms bigint,
        reason text,
        action_index integer,
        action_id text,
        action_type text,
        attempt integer,
        error_type text,
        error_detail text,
        dead_letter text,
        ended_by text,
        seen bytea NOT NULL,
        redacted boolean NOT NULL DEFAULT false,
        PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)""",
    "CREATE INDEX runs_by_start ON runs (tenant_id, started_at_ms, run_id)",
    "CREATE INDEX runs_by_workflow ON runs (tenant_id, workflow_id, started_at_ms, run_id)",
    "CREATE INDEX runs_by_record ON runs (tenant_id, module, record_id, started_at_ms)",
    """CREATE INDEX runs_by_status ON runs
        (tenant_id, status, started_at_ms, run_id)
        WHERE status <> 'success'""",
    """CREATE INDEX runs_in_flight ON runs
        (deadline_ms, moved_at_ms)
        WHERE status IN ('running', 'waiting')""",
    "CREATE INDEX runs_by_retried ON runs (tenant_id, retry_of) WHERE retry_of IS NOT NULL",
    "CREATE INDEX runs_by_chain ON runs (tenant_id, chain, started_at_ms) WHERE chain <> ''",
    """CREATE INDEX runs_by_error ON runs
        USING gin
        (tenant_id, workflow_id, lower(error_detail) gin_trgm_ops)
        WITH (fastupdate = on)
        WHERE error_detail IS NOT NULL""",
    """CREATE TABLE attempts (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        action_index integer NOT NULL,
        attempt integer NOT NULL,
        seq bigint NOT NULL,
        action_id text NOT NULL,
        action_type text NOT NULL,
        outcome text NOT NULL,
        started_at_ms bigint NOT NULL,
        finished_at_ms bigint,
        deadline_ms bigint,
        retry_at_ms bigint,
        final boolean NOT NULL,
        error_type text,
        error_detail text,
        effect_key text,
        receipt bytea,
        warnings bytea,
        PRIMARY KEY (run_id, tenant_id, action_index, attempt)) PARTITION BY RANGE (run_id)""",
    """CREATE TABLE payloads (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        record_seq bigint NOT NULL,
        record bytea,
        token_seq bigint NOT NULL,
        token bytea,
        PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)""",
    """CREATE TABLE events (tenant_id text NOT NULL, event_key uuid NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (event_key, tenant_id))
        PARTITION BY RANGE (event_key)""",
    """CREATE TABLE verdicts (tenant_id text NOT NULL, run_id uuid NOT NULL, verdict bytea NOT NULL,
        PRIMARY KEY (run_id, tenant_id))
        PARTITION BY RANGE (run_id)""",
    """CREATE TABLE late_results (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        digest bytea NOT NULL,
        at_ms bigint NOT NULL,
        command_id text NOT NULL,
        action_id text NOT NULL,
        outcome text NOT NULL,
        reason text,
        why text NOT NULL,
        PRIMARY KEY (run_id, tenant_id, digest)) PARTITION BY RANGE (run_id)""",
    """CREATE TABLE skipped_runs (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        workflow_id text,
        workflow_name text,
        version integer,
        module text,
        event text,
        event_id text,
        record_id text,
        occurred_at_ms bigint,
        started_at_ms bigint,
        retry_of uuid,
        retry_number integer NOT NULL DEFAULT 0,
        chain text NOT NULL DEFAULT '',
        depth integer NOT NULL DEFAULT 0,
        reason text NOT NULL,
        detail text,
        seen bytea NOT NULL,
        PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)""",
    "CREATE INDEX skipped_by_start ON skipped_runs (tenant_id, started_at_ms, run_id)",
    """CREATE INDEX skipped_by_workflow ON skipped_runs
        (tenant_id, workflow_id, started_at_ms, run_id)""",
    "CREATE INDEX skipped_by_record ON skipped_runs (tenant_id, module, record_id, started_at_ms)",
    """CREATE TABLE redactions (
        tenant_id text NOT NULL,
        module text NOT NULL,
        record_id text NOT NULL,
        at_ms bigint NOT NULL,
        requested_by text NOT NULL,
        PRIMARY KEY (tenant_id, module, record_id, at_ms))""",
    "CREATE INDEX redactions_by_time ON redactions (at_ms)",
    """CREATE TABLE defects (
        tenant_id text NOT NULL,
        run_id uuid NOT NULL,
        seq bigint NOT NULL,
        digest bytea NOT NULL,
        kind text NOT NULL,
        PRIMARY KEY (tenant_id, run_id, seq, digest))""",
    """CREATE TABLE offsets (
        topic text NOT NULL,
        partition integer NOT NULL,
        next_offset bigint NOT NULL,
        epoch bigint NOT NULL,
        owner text NOT NULL,
        PRIMARY KEY (topic, partition))""",
    """CREATE TABLE figures (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        running bigint NOT NULL DEFAULT 0,
        waiting bigint NOT NULL DEFAULT 0,
        success bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        canceled bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        last_run_at_ms bigint,
        PRIMARY KEY (tenant_id, workflow_id)) WITH (fillfactor = 50)""",
    """CREATE TABLE figure_buckets (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        bucket_ms bigint NOT NULL,
        running bigint NOT NULL DEFAULT 0,
        waiting bigint NOT NULL DEFAULT 0,
        success bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        canceled bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        ended_failed bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant_id, workflow_id, bucket_ms)) WITH (fillfactor = 50)""",
    """CREATE TABLE figure_latencies (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        bucket_ms bigint NOT NULL,
        step smallint NOT NULL,
        runs bigint NOT NULL,
        PRIMARY KEY (tenant_id, workflow_id, bucket_ms, step)) WITH (fillfactor = 50)""",
    """CREATE TABLE figure_latency_totals (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        step smallint NOT NULL,
        runs bigint NOT NULL,
        PRIMARY KEY (tenant_id, workflow_id, step)) WITH (fillfactor = 50)""",
    """CREATE OR REPLACE VIEW workflow_figures AS
        WITH failures AS (
        SELECT tenant_id, workflow_id, sum(ended_failed)::bigint AS failed_24h
        FROM figure_buckets
        WHERE bucket_ms > (extract(epoch FROM now()) * 1000)::bigint - 86400000 AND ended_failed > 0
        GROUP BY tenant_id, workflow_id),
        steps AS (
        SELECT tenant_id, workflow_id, step,
        sum(runs) OVER (PARTITION BY tenant_id, workflow_id ORDER BY step) AS up_to,
        sum(runs) OVER (PARTITION BY tenant_id, workflow_id) AS runs
        FROM figure_latency_totals),
        quantiles AS (
        SELECT tenant_id, workflow_id,
        round(power(1.1, min(step) FILTER (WHERE up_to >= 0.50 * runs)))::bigint AS p50_ms,
        round(power(1.1, min(step) FILTER (WHERE up_to >= 0.99 * runs)))::bigint AS p99_ms
        FROM steps GROUP BY tenant_id, workflow_id)
        SELECT tenant_id, workflow_id,
        running + waiting + success + failed + canceled AS run_count,
        skipped AS skipped_count,
        jsonb_build_object('running', running, 'waiting', waiting, 'success', success, 'failed', failed,
        'canceled', canceled, 'skipped', skipped) AS runs_by_status,
        to_timestamp(last_run_at_ms / 1000.0) AS last_run_at,
        coalesce(failed_24h, 0) AS failed_24h, p50_ms, p99_ms
        FROM figures
        LEFT JOIN failures USING (tenant_id, workflow_id)
        LEFT JOIN quantiles USING (tenant_id, workflow_id)""",
    "CREATE INDEX figure_failures ON figure_buckets (tenant_id, bucket_ms) WHERE ended_failed > 0",
)

LEDGER = (
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
    """CREATE TABLE ledger.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic text NOT NULL,
        key bytea NOT NULL,
        value bytea,
        headers jsonb NOT NULL DEFAULT '[]',
        ends_group boolean NOT NULL DEFAULT true,
        created_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE ledger.outbox_generation (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        generation uuid NOT NULL DEFAULT gen_random_uuid())""",
    "INSERT INTO ledger.outbox_generation DEFAULT VALUES",
    """CREATE TABLE ledger.idempotency_keys (
        key bytea PRIMARY KEY,
        fingerprint bytea NOT NULL,
        claimed_at timestamptz NOT NULL DEFAULT now(),
        status smallint,
        headers jsonb,
        body bytea)""",
    "CREATE INDEX idempotency_keys_claimed_at ON ledger.idempotency_keys (claimed_at)",
)


def upgrade() -> None:
    for statement in EXTENSIONS:
        op.execute(statement)
    op.execute("SET LOCAL search_path = history, public")
    for statement in (*HISTORY, *LEDGER):
        op.execute(statement)
