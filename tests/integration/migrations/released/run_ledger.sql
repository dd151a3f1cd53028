SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA history;
CREATE SCHEMA ledger;
CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
SET default_tablespace = '';
CREATE TABLE history.attempts (
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
    warnings bytea
)
PARTITION BY RANGE (run_id);
SET default_table_access_method = heap;
CREATE TABLE history.defects (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    seq bigint NOT NULL,
    digest bytea NOT NULL,
    kind text NOT NULL
);
CREATE TABLE history.events (
    tenant_id text NOT NULL,
    event_key uuid NOT NULL,
    body bytea NOT NULL
)
PARTITION BY RANGE (event_key);
CREATE TABLE history.figure_buckets (
    tenant_id text NOT NULL,
    workflow_id text NOT NULL,
    bucket_ms bigint NOT NULL,
    running bigint DEFAULT 0 NOT NULL,
    waiting bigint DEFAULT 0 NOT NULL,
    success bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    canceled bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    ended_failed bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE history.figure_latencies (
    tenant_id text NOT NULL,
    workflow_id text NOT NULL,
    bucket_ms bigint NOT NULL,
    step smallint NOT NULL,
    runs bigint NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE history.figure_latency_totals (
    tenant_id text NOT NULL,
    workflow_id text NOT NULL,
    step smallint NOT NULL,
    runs bigint NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE history.figures (
    tenant_id text NOT NULL,
    workflow_id text NOT NULL,
    running bigint DEFAULT 0 NOT NULL,
    waiting bigint DEFAULT 0 NOT NULL,
    success bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    canceled bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    last_run_at_ms bigint
)
WITH (fillfactor='50');
CREATE TABLE history.late_results (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    digest bytea NOT NULL,
    at_ms bigint NOT NULL,
    command_id text NOT NULL,
    action_id text NOT NULL,
    outcome text NOT NULL,
    reason text,
    why text NOT NULL
)
PARTITION BY RANGE (run_id);
CREATE TABLE history.offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    epoch bigint NOT NULL,
    owner text NOT NULL
);
CREATE TABLE history.payloads (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    record_seq bigint NOT NULL,
    record bytea,
    token_seq bigint NOT NULL,
    token bytea
)
PARTITION BY RANGE (run_id);
CREATE TABLE history.redactions (
    tenant_id text NOT NULL,
    module text NOT NULL,
    record_id text NOT NULL,
    at_ms bigint NOT NULL,
    requested_by text NOT NULL
);
CREATE TABLE history.runs (
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
    retry_number integer DEFAULT 0 NOT NULL,
    chain text DEFAULT ''::text NOT NULL,
    depth integer DEFAULT 0 NOT NULL,
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
    redacted boolean DEFAULT false NOT NULL
)
PARTITION BY RANGE (run_id);
CREATE TABLE history.schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE history.skipped_runs (
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
    retry_number integer DEFAULT 0 NOT NULL,
    chain text DEFAULT ''::text NOT NULL,
    depth integer DEFAULT 0 NOT NULL,
    reason text NOT NULL,
    detail text,
    seen bytea NOT NULL
)
PARTITION BY RANGE (run_id);
CREATE TABLE history.verdicts (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    verdict bytea NOT NULL
)
PARTITION BY RANGE (run_id);
CREATE VIEW history.workflow_figures AS
 WITH failures AS (
         SELECT figure_buckets.tenant_id,
            figure_buckets.workflow_id,
            (sum(figure_buckets.ended_failed))::bigint AS failed_24h
           FROM history.figure_buckets
          WHERE ((figure_buckets.bucket_ms > (((EXTRACT(epoch FROM now()) * (1000)::numeric))::bigint - 86400000)) AND (figure_buckets.ended_failed > 0))
          GROUP BY figure_buckets.tenant_id, figure_buckets.workflow_id
        ), steps AS (
         SELECT figure_latency_totals.tenant_id,
            figure_latency_totals.workflow_id,
            figure_latency_totals.step,
            sum(figure_latency_totals.runs) OVER (PARTITION BY figure_latency_totals.tenant_id, figure_latency_totals.workflow_id ORDER BY figure_latency_totals.step) AS up_to,
            sum(figure_latency_totals.runs) OVER (PARTITION BY figure_latency_totals.tenant_id, figure_latency_totals.workflow_id) AS runs
           FROM history.figure_latency_totals
        ), quantiles AS (
         SELECT steps.tenant_id,
            steps.workflow_id,
            (round(power(1.1, (min(steps.step) FILTER (WHERE (steps.up_to >= (0.50 * steps.runs))))::numeric)))::bigint AS p50_ms,
            (round(power(1.1, (min(steps.step) FILTER (WHERE (steps.up_to >= (0.99 * steps.runs))))::numeric)))::bigint AS p99_ms
           FROM steps
          GROUP BY steps.tenant_id, steps.workflow_id
        )
 SELECT figures.tenant_id,
    figures.workflow_id,
    ((((figures.running + figures.waiting) + figures.success) + figures.failed) + figures.canceled) AS run_count,
    figures.skipped AS skipped_count,
    jsonb_build_object('running', figures.running, 'waiting', figures.waiting, 'success', figures.success, 'failed', figures.failed, 'canceled', figures.canceled, 'skipped', figures.skipped) AS runs_by_status,
    to_timestamp((((figures.last_run_at_ms)::numeric / 1000.0))::double precision) AS last_run_at,
    COALESCE(failures.failed_24h, (0)::bigint) AS failed_24h,
    quantiles.p50_ms,
    quantiles.p99_ms
   FROM ((history.figures
     LEFT JOIN failures USING (tenant_id, workflow_id))
     LEFT JOIN quantiles USING (tenant_id, workflow_id));
CREATE TABLE ledger.bulk_retries (
    id uuid NOT NULL,
    tenant_id text NOT NULL,
    mode text NOT NULL,
    repeat_completed boolean NOT NULL,
    per_second integer NOT NULL,
    requested_by text NOT NULL,
    requested_at_ms bigint NOT NULL,
    aborted boolean DEFAULT false NOT NULL
);
CREATE TABLE ledger.bulk_retry_runs (
    bulk_id uuid NOT NULL,
    "position" integer NOT NULL,
    run_id uuid NOT NULL,
    new_run_id uuid,
    problem text
);
CREATE TABLE ledger.cancels (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    requested_by text NOT NULL,
    requested_at_ms bigint NOT NULL
);
CREATE TABLE ledger.idempotency_keys (
    key bytea NOT NULL,
    fingerprint bytea NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    status smallint,
    headers jsonb,
    body bytea
);
CREATE TABLE ledger.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea,
    headers jsonb DEFAULT '[]'::jsonb NOT NULL,
    ends_group boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE ledger.outbox_generation (
    only_row boolean DEFAULT true NOT NULL,
    generation uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT outbox_generation_only_row_check CHECK (only_row)
);
ALTER TABLE ledger.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ledger.resolutions (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    seq bigint NOT NULL,
    action_index integer NOT NULL,
    resolution text NOT NULL,
    requested_by text NOT NULL,
    requested_at_ms bigint NOT NULL
);
CREATE TABLE ledger.retention (
    tenant_id text NOT NULL,
    runs_days integer,
    payloads_days integer,
    verdicts_days integer,
    skipped_days integer
);
CREATE TABLE ledger.retries (
    tenant_id text NOT NULL,
    run_id uuid NOT NULL,
    new_run_id uuid NOT NULL,
    mode text NOT NULL,
    repeat_completed boolean NOT NULL,
    retry_number integer NOT NULL,
    key_generations jsonb NOT NULL,
    requested_by text NOT NULL,
    requested_at_ms bigint NOT NULL
);
INSERT INTO history.schema_version VALUES ('0002');
INSERT INTO ledger.outbox_generation VALUES (true, 'e1343023-d75d-4c87-b3ff-5de81bad1dac');
SELECT pg_catalog.setval('ledger.outbox_id_seq', 1, false);
ALTER TABLE ONLY history.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (run_id, tenant_id, action_index, attempt);
ALTER TABLE ONLY history.defects
    ADD CONSTRAINT defects_pkey PRIMARY KEY (tenant_id, run_id, seq, digest);
ALTER TABLE ONLY history.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (event_key, tenant_id);
ALTER TABLE ONLY history.figure_buckets
    ADD CONSTRAINT figure_buckets_pkey PRIMARY KEY (tenant_id, workflow_id, bucket_ms);
ALTER TABLE ONLY history.figure_latencies
    ADD CONSTRAINT figure_latencies_pkey PRIMARY KEY (tenant_id, workflow_id, bucket_ms, step);
ALTER TABLE ONLY history.figure_latency_totals
    ADD CONSTRAINT figure_latency_totals_pkey PRIMARY KEY (tenant_id, workflow_id, step);
ALTER TABLE ONLY history.figures
    ADD CONSTRAINT figures_pkey PRIMARY KEY (tenant_id, workflow_id);
ALTER TABLE ONLY history.late_results
    ADD CONSTRAINT late_results_pkey PRIMARY KEY (run_id, tenant_id, digest);
ALTER TABLE ONLY history.offsets
    ADD CONSTRAINT offsets_pkey PRIMARY KEY (topic, partition);
ALTER TABLE ONLY history.payloads
    ADD CONSTRAINT payloads_pkey PRIMARY KEY (run_id, tenant_id);
ALTER TABLE ONLY history.redactions
    ADD CONSTRAINT redactions_pkey PRIMARY KEY (tenant_id, module, record_id, at_ms);
ALTER TABLE ONLY history.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id, tenant_id);
ALTER TABLE ONLY history.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY history.skipped_runs
    ADD CONSTRAINT skipped_runs_pkey PRIMARY KEY (run_id, tenant_id);
ALTER TABLE ONLY history.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (run_id, tenant_id);
ALTER TABLE ONLY ledger.bulk_retries
    ADD CONSTRAINT bulk_retries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger.bulk_retry_runs
    ADD CONSTRAINT bulk_retry_runs_pkey PRIMARY KEY (bulk_id, run_id);
ALTER TABLE ONLY ledger.cancels
    ADD CONSTRAINT cancels_pkey PRIMARY KEY (tenant_id, run_id);
ALTER TABLE ONLY ledger.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key);
ALTER TABLE ONLY ledger.outbox_generation
    ADD CONSTRAINT outbox_generation_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY ledger.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger.resolutions
    ADD CONSTRAINT resolutions_pkey PRIMARY KEY (tenant_id, run_id, seq);
ALTER TABLE ONLY ledger.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (tenant_id);
ALTER TABLE ONLY ledger.retries
    ADD CONSTRAINT retries_pkey PRIMARY KEY (tenant_id, run_id);
CREATE INDEX figure_failures ON history.figure_buckets USING btree (tenant_id, bucket_ms) WHERE (ended_failed > 0);
CREATE INDEX redactions_by_time ON history.redactions USING btree (at_ms);
CREATE INDEX runs_by_chain ON ONLY history.runs USING btree (tenant_id, chain, started_at_ms) WHERE (chain <> ''::text);
CREATE INDEX runs_by_error ON ONLY history.runs USING gin (tenant_id, workflow_id, lower(error_detail) public.gin_trgm_ops) WITH (fastupdate='on') WHERE (error_detail IS NOT NULL);
CREATE INDEX runs_by_record ON ONLY history.runs USING btree (tenant_id, module, record_id, started_at_ms);
CREATE INDEX runs_by_retried ON ONLY history.runs USING btree (tenant_id, retry_of) WHERE (retry_of IS NOT NULL);
CREATE INDEX runs_by_start ON ONLY history.runs USING btree (tenant_id, started_at_ms, run_id);
CREATE INDEX runs_by_status ON ONLY history.runs USING btree (tenant_id, status, started_at_ms, run_id) WHERE (status <> 'success'::text);
CREATE INDEX runs_by_workflow ON ONLY history.runs USING btree (tenant_id, workflow_id, started_at_ms, run_id);
CREATE INDEX runs_in_flight ON ONLY history.runs USING btree (deadline_ms, moved_at_ms) WHERE (status = ANY (ARRAY['running'::text, 'waiting'::text]));
CREATE INDEX skipped_by_record ON ONLY history.skipped_runs USING btree (tenant_id, module, record_id, started_at_ms);
CREATE INDEX skipped_by_start ON ONLY history.skipped_runs USING btree (tenant_id, started_at_ms, run_id);
CREATE INDEX skipped_by_workflow ON ONLY history.skipped_runs USING btree (tenant_id, workflow_id, started_at_ms, run_id);
CREATE INDEX bulk_retry_runs_waiting ON ledger.bulk_retry_runs USING btree (bulk_id, "position") WHERE ((new_run_id IS NULL) AND (problem IS NULL));
CREATE INDEX idempotency_keys_claimed_at ON ledger.idempotency_keys USING btree (claimed_at);
CREATE UNIQUE INDEX retries_by_new_run ON ledger.retries USING btree (tenant_id, new_run_id);
ALTER TABLE ONLY ledger.bulk_retry_runs
    ADD CONSTRAINT bulk_retry_runs_bulk_id_fkey FOREIGN KEY (bulk_id) REFERENCES ledger.bulk_retries(id) ON DELETE CASCADE;
