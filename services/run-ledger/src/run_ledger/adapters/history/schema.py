"""The tables of a history, as DDL without a schema's name: a rebuild makes them again beside the first.

Everything in them comes from the journal alone. What people asked of the ledger (retries, cancels, the
outbox) lies in the schema `ledger`, which a rebuild never touches.

Big tables are partitioned by the time in the run id (`adapters.partitions`), so that age is dropped, not
deleted. There are no foreign keys: the parts of one run are dropped at different ages. Times are ms since
1970 UTC; JSON and Avro are stored as the bytes that came, whatever is in them.
"""

from typing import Final

HISTORY: Final = "history"
LEDGER: Final = "ledger"

RUN_IDENTITY: Final = """
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
    depth integer NOT NULL DEFAULT 0"""

RUNS: Final = f"""
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    {RUN_IDENTITY.strip()},
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
    seen bytea NOT NULL"""

SKIPPED: Final = f"""
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    {RUN_IDENTITY.strip()},
    reason text NOT NULL,
    detail text,
    seen bytea NOT NULL"""

ATTEMPTS: Final = """
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
    warnings bytea"""

PAYLOADS: Final = """
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    record_seq bigint NOT NULL,
    record bytea,
    token_seq bigint NOT NULL,
    token bytea"""

EVENTS: Final = "tenant_id text NOT NULL, event_key uuid NOT NULL, body bytea NOT NULL"
VERDICTS: Final = "tenant_id text NOT NULL, run_id uuid NOT NULL, verdict bytea NOT NULL"
LATE_RESULTS: Final = """
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    digest bytea NOT NULL,
    at_ms bigint NOT NULL,
    command_id text NOT NULL,
    action_id text NOT NULL,
    outcome text NOT NULL,
    reason text,
    why text NOT NULL"""

CHANGES: Final = """
    tenant_id text,
    workflow_id text,
    bucket_ms bigint,
    was text,
    now text,
    started_at_ms bigint,
    ended_bucket_ms bigint,
    step smallint"""
"""What a batch changes in the figures, one row for each run: its status before and after."""


def names(columns: str) -> tuple[str, ...]:
    """The names in a DDL of columns, in order."""
    return tuple(column.split()[0] for column in columns.split(","))


def types(columns: str) -> tuple[str, ...]:
    """The types in a DDL of columns, in order."""
    return tuple(column.split()[1] for column in columns.split(","))


# Times go up in every index, as rows come: PostgreSQL keeps such indexes dense, and reads them either way.
PARTITIONED: Final = (
    (
        f"CREATE TABLE runs ({RUNS}, redacted boolean NOT NULL DEFAULT false,"
        " PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)"
    ),
    "CREATE INDEX runs_by_start ON runs (tenant_id, started_at_ms, run_id)",
    "CREATE INDEX runs_by_workflow ON runs (tenant_id, workflow_id, started_at_ms, run_id)",
    "CREATE INDEX runs_by_record ON runs (tenant_id, module, record_id, started_at_ms)",
    (
        "CREATE INDEX runs_by_status ON runs (tenant_id, status, started_at_ms, run_id)"
        " WHERE status <> 'success'"
    ),
    "CREATE INDEX runs_in_flight ON runs (deadline_ms, moved_at_ms) WHERE status IN ('running', 'waiting')",
    "CREATE INDEX runs_by_retried ON runs (tenant_id, retry_of) WHERE retry_of IS NOT NULL",
    "CREATE INDEX runs_by_chain ON runs (tenant_id, chain, started_at_ms) WHERE chain <> ''",
    (
        "CREATE INDEX runs_by_error ON runs"
        " USING gin (tenant_id, workflow_id, lower(error_detail) gin_trgm_ops)"
        " WITH (fastupdate = on) WHERE error_detail IS NOT NULL"
    ),
    (
        f"CREATE TABLE attempts ({ATTEMPTS}, PRIMARY KEY (run_id, tenant_id, action_index, attempt))"
        " PARTITION BY RANGE (run_id)"
    ),
    f"CREATE TABLE payloads ({PAYLOADS}, PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)",
    f"CREATE TABLE events ({EVENTS}, PRIMARY KEY (event_key, tenant_id)) PARTITION BY RANGE (event_key)",
    f"CREATE TABLE verdicts ({VERDICTS}, PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)",
    (
        f"CREATE TABLE late_results ({LATE_RESULTS}, PRIMARY KEY (run_id, tenant_id, digest))"
        " PARTITION BY RANGE (run_id)"
    ),
    f"CREATE TABLE skipped_runs ({SKIPPED}, PRIMARY KEY (run_id, tenant_id)) PARTITION BY RANGE (run_id)",
    "CREATE INDEX skipped_by_start ON skipped_runs (tenant_id, started_at_ms, run_id)",
    ("CREATE INDEX skipped_by_workflow ON skipped_runs (tenant_id, workflow_id, started_at_ms, run_id)"),
    "CREATE INDEX skipped_by_record ON skipped_runs (tenant_id, module, record_id, started_at_ms)",
)

SINGLE: Final = (
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
)

STATUS_COUNTS: Final = ("running", "waiting", "success", "failed", "canceled", "skipped")
_COUNTS: Final = ", ".join(f"{status} bigint NOT NULL DEFAULT 0" for status in STATUS_COUNTS)

FIGURES: Final = (
    f"""CREATE TABLE figures (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        {_COUNTS},
        last_run_at_ms bigint,
        PRIMARY KEY (tenant_id, workflow_id)) WITH (fillfactor = 50)""",
    f"""CREATE TABLE figure_buckets (
        tenant_id text NOT NULL,
        workflow_id text NOT NULL,
        bucket_ms bigint NOT NULL,
        {_COUNTS},
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

EXTENSIONS: Final = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public",
    "CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public",
)


def history_statements() -> tuple[str, ...]:
    """Makes a whole history in the first schema of the search path."""
    return (*PARTITIONED, *SINGLE, *FIGURES)
