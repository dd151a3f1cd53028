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
CREATE SCHEMA sample_crm;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE sample_crm.behaviour (
    only_row boolean DEFAULT true NOT NULL,
    content jsonb DEFAULT '{}'::jsonb NOT NULL,
    answered bigint DEFAULT 0 NOT NULL,
    CONSTRAINT behaviour_only_row_check CHECK (only_row)
);
CREATE TABLE sample_crm.command_results (
    command_id text NOT NULL,
    answer bytea NOT NULL,
    answered_at timestamp with time zone NOT NULL
);
CREATE TABLE sample_crm.held_answers (
    number bigint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    key bytea NOT NULL,
    value bytea NOT NULL
);
ALTER TABLE sample_crm.held_answers ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sample_crm.held_answers_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sample_crm.notifications (
    id text NOT NULL,
    number bigint NOT NULL,
    user_id text NOT NULL,
    message text NOT NULL,
    module text NOT NULL,
    record_id text NOT NULL,
    workflow_id text,
    created_at timestamp with time zone NOT NULL,
    read_at timestamp with time zone
);
ALTER TABLE sample_crm.notifications ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sample_crm.notifications_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sample_crm.outbox (
    id bigint NOT NULL,
    topic text NOT NULL,
    key bytea NOT NULL,
    value bytea,
    headers jsonb DEFAULT '[]'::jsonb NOT NULL,
    ends_group boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE sample_crm.outbox_generation (
    only_row boolean DEFAULT true NOT NULL,
    generation uuid DEFAULT gen_random_uuid() NOT NULL,
    CONSTRAINT outbox_generation_only_row_check CHECK (only_row)
);
ALTER TABLE sample_crm.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sample_crm.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sample_crm.pipelines (
    module text NOT NULL,
    stages jsonb NOT NULL
);
CREATE TABLE sample_crm.records (
    module text NOT NULL,
    id text NOT NULL,
    number bigint NOT NULL,
    data json NOT NULL
);
ALTER TABLE sample_crm.records ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sample_crm.records_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE sample_crm.schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE sample_crm.users (
    id text NOT NULL,
    name text NOT NULL,
    email text NOT NULL
);
INSERT INTO sample_crm.behaviour VALUES (true, '{}', 0);
INSERT INTO sample_crm.outbox_generation VALUES (true, '269c7073-ce6b-4733-880b-f5454598260f');
INSERT INTO sample_crm.pipelines VALUES ('leads', '[{"kind": "open", "name": "New"}, {"kind": "open", "name": "Contacted"}, {"kind": "open", "name": "Qualified"}, {"kind": "open", "name": "Nurturing"}]');
INSERT INTO sample_crm.pipelines VALUES ('opportunities', '[{"kind": "open", "name": "Qualification"}, {"kind": "open", "name": "Proposal"}, {"kind": "open", "name": "Negotiation"}, {"kind": "won", "name": "Closed Won"}, {"kind": "lost", "name": "Closed Lost"}]');
INSERT INTO sample_crm.schema_version VALUES ('0001');
INSERT INTO sample_crm.users VALUES ('u-1', 'Ada Byron', 'ada@crm.example');
INSERT INTO sample_crm.users VALUES ('u-2', 'Grace Murray', 'grace@crm.example');
INSERT INTO sample_crm.users VALUES ('u-3', 'Katherine Coleman', 'katherine@crm.example');
SELECT pg_catalog.setval('sample_crm.held_answers_number_seq', 1, false);
SELECT pg_catalog.setval('sample_crm.notifications_number_seq', 1, false);
SELECT pg_catalog.setval('sample_crm.outbox_id_seq', 1, false);
SELECT pg_catalog.setval('sample_crm.records_number_seq', 1, false);
ALTER TABLE ONLY sample_crm.behaviour
    ADD CONSTRAINT behaviour_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY sample_crm.command_results
    ADD CONSTRAINT command_results_pkey PRIMARY KEY (command_id);
ALTER TABLE ONLY sample_crm.held_answers
    ADD CONSTRAINT held_answers_pkey PRIMARY KEY (number);
ALTER TABLE ONLY sample_crm.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sample_crm.outbox_generation
    ADD CONSTRAINT outbox_generation_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY sample_crm.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY sample_crm.pipelines
    ADD CONSTRAINT pipelines_pkey PRIMARY KEY (module);
ALTER TABLE ONLY sample_crm.records
    ADD CONSTRAINT records_pkey PRIMARY KEY (module, id);
ALTER TABLE ONLY sample_crm.schema_version
    ADD CONSTRAINT schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY sample_crm.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX command_results_by_age ON sample_crm.command_results USING btree (answered_at);
CREATE INDEX held_answers_by_due ON sample_crm.held_answers USING btree (due_at);
CREATE INDEX notifications_of_user ON sample_crm.notifications USING btree (user_id, number);
CREATE INDEX records_due ON sample_crm.records USING btree (((data ->> 'due_on'::text))) WHERE ((module = 'invoices'::text) AND ((data ->> 'status'::text) = 'Sent'::text));
CREATE INDEX records_in_order ON sample_crm.records USING btree (module, number);
ALTER TABLE ONLY sample_crm.notifications
    ADD CONSTRAINT notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES sample_crm.users(id);
