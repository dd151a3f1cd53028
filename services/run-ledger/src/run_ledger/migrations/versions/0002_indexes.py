"""Indexes whose times go up, error texts found by workflow, figures by their index: see `history.schema`."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EXTENSIONS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public",
    "CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public",
)

INDEXES = (
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
    "CREATE INDEX skipped_by_start ON skipped_runs (tenant_id, started_at_ms, run_id)",
    """CREATE INDEX skipped_by_workflow ON skipped_runs
        (tenant_id, workflow_id, started_at_ms, run_id)""",
    "CREATE INDEX skipped_by_record ON skipped_runs (tenant_id, module, record_id, started_at_ms)",
    "CREATE INDEX redactions_by_time ON redactions (at_ms)",
)

VIEWS = (
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
)


def upgrade() -> None:
    for statement in EXTENSIONS:
        op.execute(statement)
    op.execute("SET LOCAL search_path = history, public")
    for statement in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {statement.split()[2]}")
        op.execute(statement)
    for statement in VIEWS:
        op.execute(statement)
