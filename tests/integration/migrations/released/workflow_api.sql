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
CREATE SCHEMA access;
CREATE SCHEMA workflows;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE access.api_keys (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    tenant_id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    key_hash bytea NOT NULL,
    email text,
    requests_per_minute integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_requests_per_minute_check CHECK ((requests_per_minute > 0)),
    CONSTRAINT api_keys_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'editor'::text, 'admin'::text])))
);
CREATE TABLE access.audit (
    id bigint NOT NULL,
    tenant_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object_type text NOT NULL,
    object_id text NOT NULL,
    before json,
    after json
);
ALTER TABLE access.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME access.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE access.tenants (
    id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT tenants_id_check CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text))
);
CREATE TABLE workflows.backtests (
    tenant_id text NOT NULL,
    id text NOT NULL,
    workflow_id text NOT NULL,
    status text NOT NULL,
    request json NOT NULL,
    progress json NOT NULL,
    result json,
    error text,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    claim text,
    beat_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT backtests_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'canceled'::text])))
);
CREATE TABLE workflows.email_templates (
    tenant_id text NOT NULL,
    name text NOT NULL,
    subject text NOT NULL,
    text text,
    html text,
    revision bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL
);
CREATE TABLE workflows.idempotency_keys (
    key bytea NOT NULL,
    fingerprint bytea NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    status smallint,
    headers jsonb,
    body bytea
);
CREATE TABLE workflows.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea,
    headers jsonb DEFAULT '[]'::jsonb NOT NULL,
    ends_group boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE workflows.outbox_generation (
    only_row boolean DEFAULT true NOT NULL,
    generation uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT outbox_generation_only_row_check CHECK (only_row)
);
ALTER TABLE workflows.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME workflows.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE workflows.schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE workflows.secrets (
    tenant_id text NOT NULL,
    name text NOT NULL,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL
);
CREATE TABLE workflows.versions (
    tenant_id text NOT NULL,
    workflow_id text NOT NULL,
    version integer NOT NULL,
    document json NOT NULL,
    definition bytea NOT NULL,
    note text,
    published_at timestamp with time zone NOT NULL,
    published_by text NOT NULL
);
CREATE TABLE workflows.workflows (
    tenant_id text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    status text NOT NULL,
    module text NOT NULL,
    event text NOT NULL,
    trigger json NOT NULL,
    version integer,
    draft json,
    revision bigint NOT NULL,
    last_row_id bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    updated_by text NOT NULL,
    CONSTRAINT workflows_check CHECK (((version IS NOT NULL) OR (draft IS NOT NULL))),
    CONSTRAINT workflows_check1 CHECK (((status <> 'active'::text) OR (version IS NOT NULL))),
    CONSTRAINT workflows_status_check CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'archived'::text])))
);
INSERT INTO workflows.outbox_generation VALUES (true, 'd90d1f80-4334-48ef-83e2-7487410d65b0');
INSERT INTO workflows.schema_version VALUES ('0001');
SELECT pg_catalog.setval('access.audit_id_seq', 1, false);
SELECT pg_catalog.setval('workflows.outbox_id_seq', 1, false);
ALTER TABLE ONLY access.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY access.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY access.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY access.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY workflows.backtests
    ADD CONSTRAINT backtests_pkey PRIMARY KEY (tenant_id, id);
ALTER TABLE ONLY workflows.email_templates
    ADD CONSTRAINT email_templates_pkey PRIMARY KEY (tenant_id, name);
ALTER TABLE ONLY workflows.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key);
ALTER TABLE ONLY workflows.outbox_generation
    ADD CONSTRAINT outbox_generation_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY workflows.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY workflows.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY workflows.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (tenant_id, name);
ALTER TABLE ONLY workflows.versions
    ADD CONSTRAINT versions_pkey PRIMARY KEY (tenant_id, workflow_id, version);
ALTER TABLE ONLY workflows.workflows
    ADD CONSTRAINT workflows_pkey PRIMARY KEY (tenant_id, id);
CREATE INDEX api_keys_of_tenant ON access.api_keys USING btree (tenant_id, created_at);
CREATE INDEX audit_of_object ON access.audit USING btree (tenant_id, object_type, object_id, id);
CREATE INDEX audit_of_tenant ON access.audit USING btree (tenant_id, id);
CREATE INDEX backtests_of_workflow ON workflows.backtests USING btree (tenant_id, workflow_id, created_at);
CREATE INDEX backtests_to_do ON workflows.backtests USING btree (created_at) WHERE (status = ANY (ARRAY['waiting'::text, 'running'::text]));
CREATE INDEX idempotency_keys_claimed_at ON workflows.idempotency_keys USING btree (claimed_at);
CREATE INDEX workflows_by_name ON workflows.workflows USING btree (tenant_id, lower(name), id);
CREATE INDEX workflows_by_update ON workflows.workflows USING btree (tenant_id, updated_at DESC, id);
ALTER TABLE ONLY access.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES access.tenants(id);
ALTER TABLE ONLY workflows.backtests
    ADD CONSTRAINT backtests_tenant_id_workflow_id_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows.workflows(tenant_id, id);
ALTER TABLE ONLY workflows.versions
    ADD CONSTRAINT versions_tenant_id_workflow_id_fkey FOREIGN KEY (tenant_id, workflow_id) REFERENCES workflows.workflows(tenant_id, id);
