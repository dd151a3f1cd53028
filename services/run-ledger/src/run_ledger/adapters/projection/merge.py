# ruff: noqa: S608 — every statement is put together from constants of this package
"""How a filled batch meets the tables: named statements, in the order they run.

All of them work in sets, and rows of one key meet by the number of their fact. The session has hash and merge
joins switched off (`projection_store`): a batch is small and a table is not, so every join is index look-ups.
"""

from typing import Final

from run_ledger.adapters.history import schema

# The tenant is compared in a way that no index helps with, so that the primary key is the only index a plan
# can take: plans are kept, and one made while a partition was nearly empty may prefer any other.
_SAME_RUN: Final = "r.run_id = i.run_id AND r.tenant_id || '' = i.tenant_id"
_SAME: Final = f"ON {_SAME_RUN}"
_SAME_SKIPPED: Final = "ON s.run_id = i.run_id AND s.tenant_id || '' = i.tenant_id"

ENDS: Final = "('success', 'failed', 'canceled')"


# Runs of the batch of which a fact may have counted before, or that ended before: the batch is folded again
# with what is known of them.
KNOWN: Final = f"""
    SELECT r.tenant_id, r.run_id::text, r.seen, CASE WHEN r.status IN {ENDS} THEN r.seq END
    FROM incoming_runs i JOIN runs r {_SAME}
    WHERE i.first_seq <= r.seq OR r.status IN {ENDS}
    UNION ALL
    SELECT s.tenant_id, s.run_id::text, s.seen, 1
    FROM incoming_runs i JOIN skipped_runs s {_SAME_SKIPPED}
    UNION ALL
    SELECT s.tenant_id, s.run_id::text, s.seen, 1
    FROM incoming_skipped i JOIN skipped_runs s {_SAME_SKIPPED}
    UNION ALL
    SELECT r.tenant_id, r.run_id::text, r.seen, CASE WHEN r.status IN {ENDS} THEN r.seq END
    FROM incoming_skipped i JOIN runs r {_SAME}"""

_MOVES: Final = f"(r.status NOT IN {ENDS} AND (i.status IN {ENDS} OR i.seq > r.seq))"

# What the batch changes in the counts, noted before the rows meet: afterwards the old status is gone. Runs
# that go straight into the history have noted theirs themselves (`incoming.STRAIGHT`).
CHANGES: Final = f"""
    INSERT INTO changes
    SELECT i.tenant_id, coalesce(r.workflow_id, i.workflow_id), i.bucket_ms,
           CASE WHEN r.workflow_id IS NOT NULL THEN r.status END,
           CASE WHEN r.run_id IS NULL OR {_MOVES} THEN i.status ELSE r.status END,
           coalesce(r.started_at_ms, i.started_at_ms), i.ended_bucket_ms, i.step
    FROM incoming_runs i LEFT JOIN runs r {_SAME}
    WHERE coalesce(r.workflow_id, i.workflow_id) IS NOT NULL
    UNION ALL
    SELECT tenant_id, workflow_id, bucket_ms, NULL, 'skipped', NULL, NULL, NULL
    FROM incoming_skipped"""

_RUN_COLUMNS: Final = schema.names(schema.RUNS)
_START_COLUMNS: Final = (*schema.names(schema.RUN_IDENTITY), "outline", "kept")
_STANDING_COLUMNS: Final = tuple(
    name for name in _RUN_COLUMNS if name not in {"tenant_id", "run_id", "seen", *_START_COLUMNS}
)


def _set(names: tuple[str, ...], source: str = "i") -> str:
    return ", ".join(f"{name} = {source}.{name}" for name in names)


# First the runs that are there already, then the new ones.
RUNS_MOVED: Final = f"""
    UPDATE runs r SET {_set(_STANDING_COLUMNS)},
        seen = CASE WHEN i.whole THEN i.seen ELSE r.seen || i.seen END
    FROM incoming_runs i
    WHERE {_SAME_RUN} AND {_MOVES}"""
RUNS_NEW: Final = f"""
    INSERT INTO runs ({", ".join(_RUN_COLUMNS)})
    SELECT {", ".join(_RUN_COLUMNS)} FROM incoming_runs
    ON CONFLICT DO NOTHING"""
# Facts met out of order: a start after what follows it, an earlier one after a later one.
RUNS_FILLED: Final = f"""
    UPDATE runs r SET seen = i.seen
    FROM incoming_runs i
    WHERE {_SAME_RUN} AND i.whole AND NOT {_MOVES}"""
RUNS_STARTED: Final = f"""
    UPDATE runs r SET {_set(_START_COLUMNS)}
    FROM incoming_runs i
    WHERE {_SAME_RUN}
      AND r.workflow_id IS NULL AND i.workflow_id IS NOT NULL"""

_ATTEMPT_COLUMNS: Final = schema.names(schema.ATTEMPTS)
ATTEMPTS: Final = f"""
    INSERT INTO attempts AS r ({", ".join(_ATTEMPT_COLUMNS)})
    SELECT {", ".join(_ATTEMPT_COLUMNS)} FROM incoming_attempts
    ON CONFLICT (tenant_id, run_id, action_index, attempt) DO UPDATE
    SET {_set(_ATTEMPT_COLUMNS[4:], "excluded")}
    WHERE excluded.seq > r.seq"""
PAYLOADS: Final = """
    INSERT INTO payloads AS r (tenant_id, run_id, record_seq, record, token_seq, token)
    SELECT tenant_id, run_id, record_seq, record, token_seq, token FROM incoming_payloads
    ON CONFLICT (tenant_id, run_id) DO UPDATE
    SET record = CASE WHEN excluded.record_seq > r.record_seq THEN excluded.record ELSE r.record END,
        record_seq = greatest(excluded.record_seq, r.record_seq),
        token = CASE WHEN excluded.token_seq > r.token_seq THEN excluded.token ELSE r.token END,
        token_seq = greatest(excluded.token_seq, r.token_seq)"""


def _insert_new(table: str, source: str, columns: str) -> str:
    names = ", ".join(schema.names(columns))
    return f"INSERT INTO {table} ({names}) SELECT {names} FROM {source} ON CONFLICT DO NOTHING"


SKIPPED: Final = _insert_new("skipped_runs", "incoming_skipped", schema.SKIPPED)
EVENTS: Final = _insert_new("events", "incoming_events", schema.EVENTS)
VERDICTS: Final = _insert_new("verdicts", "incoming_verdicts", schema.VERDICTS)
LATE_RESULTS: Final = _insert_new("late_results", "incoming_late_results", schema.LATE_RESULTS)

DEFECT: Final = "INSERT INTO defects VALUES (%s, %s::uuid, %s, %s, %s) ON CONFLICT DO NOTHING"

# --- counts: last, and in key order, so that instances wait for each other shortly and never in a circle ---

_CHANGED: Final = "was IS DISTINCT FROM now"
_STATUSES: Final = schema.STATUS_COUNTS
_STATUS_NAMES: Final = ", ".join(_STATUSES)
_DELTAS: Final = ", ".join(
    f"sum(coalesce((now = '{status}')::int, 0) - coalesce((was = '{status}')::int, 0)) AS {status}"
    for status in _STATUSES
)


def _adding(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} = f.{name} + excluded.{name}" for name in names)


FIGURES: Final = f"""
    INSERT INTO figures AS f (tenant_id, workflow_id, {_STATUS_NAMES}, last_run_at_ms)
    SELECT tenant_id, workflow_id, {_DELTAS}, max(started_at_ms) FILTER (WHERE was IS NULL)
    FROM changes WHERE {_CHANGED}
    GROUP BY tenant_id, workflow_id ORDER BY tenant_id, workflow_id
    ON CONFLICT (tenant_id, workflow_id) DO UPDATE
    SET {_adding(_STATUSES)}, last_run_at_ms = greatest(f.last_run_at_ms, excluded.last_run_at_ms)"""
FIGURE_BUCKETS: Final = f"""
    INSERT INTO figure_buckets AS f (tenant_id, workflow_id, bucket_ms, {_STATUS_NAMES}, ended_failed)
    SELECT tenant_id, workflow_id, bucket_ms, {_DELTAS}, sum(ended_failed)
    FROM (
        SELECT tenant_id, workflow_id, bucket_ms, was, now, 0 AS ended_failed FROM changes WHERE {_CHANGED}
        UNION ALL
        SELECT tenant_id, workflow_id, ended_bucket_ms, NULL, NULL, 1 FROM changes
        WHERE {_CHANGED} AND now = 'failed' AND ended_bucket_ms IS NOT NULL) c
    GROUP BY tenant_id, workflow_id, bucket_ms ORDER BY tenant_id, workflow_id, bucket_ms
    ON CONFLICT (tenant_id, workflow_id, bucket_ms) DO UPDATE
    SET {_adding((*_STATUSES, "ended_failed"))}"""
_ENDED: Final = f"{_CHANGED} AND now IN ('success', 'failed') AND step IS NOT NULL"
FIGURE_LATENCIES: Final = f"""
    INSERT INTO figure_latencies AS f (tenant_id, workflow_id, bucket_ms, step, runs)
    SELECT tenant_id, workflow_id, bucket_ms, step, count(*) FROM changes WHERE {_ENDED}
    GROUP BY tenant_id, workflow_id, bucket_ms, step ORDER BY tenant_id, workflow_id, bucket_ms, step
    ON CONFLICT (tenant_id, workflow_id, bucket_ms, step) DO UPDATE SET runs = f.runs + excluded.runs"""
FIGURE_LATENCY_TOTALS: Final = f"""
    INSERT INTO figure_latency_totals AS f (tenant_id, workflow_id, step, runs)
    SELECT tenant_id, workflow_id, step, count(*) FROM changes WHERE {_ENDED}
    GROUP BY tenant_id, workflow_id, step ORDER BY tenant_id, workflow_id, step
    ON CONFLICT (tenant_id, workflow_id, step) DO UPDATE SET runs = f.runs + excluded.runs"""

# --- erasure ----------------------------------------------------------------------------------------

REDACTION: Final = """
    INSERT INTO redactions (tenant_id, module, record_id, at_ms, requested_by) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING"""
# Whether there was any erasure, and whether one reaches runs that started at that time or later.
ERASURES: Final = """
    SELECT EXISTS (SELECT FROM redactions), EXISTS (SELECT FROM redactions WHERE at_ms >= %s)"""

# The runs that erasures of this batch reach, and the batch's own runs that an earlier erasure reaches.
REDACTED_TABLE: Final = """
    CREATE TEMP TABLE redacted (tenant_id text, run_id uuid, event_id text) ON COMMIT DELETE ROWS"""
REDACTED_BY_BATCH: Final = """
    INSERT INTO redacted
    SELECT tenant_id, run_id, event_id FROM runs
    WHERE tenant_id = %(tenant_id)s AND module = %(module)s AND record_id = %(record_id)s
      AND started_at_ms <= %(at_ms)s
    UNION ALL
    SELECT tenant_id, run_id, event_id FROM skipped_runs
    WHERE tenant_id = %(tenant_id)s AND module = %(module)s AND record_id = %(record_id)s
      AND started_at_ms <= %(at_ms)s"""
REDACTED_BEFORE: Final = f"""
    INSERT INTO redacted
    SELECT r.tenant_id, r.run_id, r.event_id
    FROM incoming_runs i JOIN runs r {_SAME}
    JOIN redactions e ON e.tenant_id = r.tenant_id AND e.module = r.module AND e.record_id = r.record_id
    WHERE r.started_at_ms <= e.at_ms
    UNION ALL
    SELECT r.tenant_id, r.run_id, r.event_id
    FROM incoming_skipped r
    JOIN redactions e ON e.tenant_id = r.tenant_id AND e.module = r.module AND e.record_id = r.record_id
    WHERE r.started_at_ms <= e.at_ms
    UNION ALL
    SELECT r.tenant_id, r.run_id, r.event_id
    FROM incoming_late_results i JOIN runs r {_SAME}
    JOIN redactions e ON e.tenant_id = r.tenant_id AND e.module = r.module AND e.record_id = r.record_id
    WHERE r.started_at_ms <= e.at_ms"""
REDACT: Final = (
    (
        "UPDATE runs r SET redacted = true, kept = NULL, error_detail = NULL, reason = NULL"
        " FROM redacted e WHERE r.tenant_id = e.tenant_id AND r.run_id = e.run_id"
    ),
    (
        "UPDATE skipped_runs r SET detail = NULL"
        " FROM redacted e WHERE r.tenant_id = e.tenant_id AND r.run_id = e.run_id"
    ),
    (
        "UPDATE attempts r SET receipt = NULL, error_detail = NULL, warnings = NULL"
        " FROM redacted e WHERE r.tenant_id = e.tenant_id AND r.run_id = e.run_id"
    ),
    (
        "UPDATE payloads r SET record = NULL, token = NULL"
        " FROM redacted e WHERE r.tenant_id = e.tenant_id AND r.run_id = e.run_id"
    ),
    (
        "UPDATE verdicts r SET verdict = ''"
        " FROM redacted e WHERE r.tenant_id = e.tenant_id AND r.run_id = e.run_id"
    ),
    (
        "UPDATE late_results r SET reason = NULL"
        " FROM redacted e WHERE r.tenant_id = e.tenant_id AND r.run_id = e.run_id"
    ),
)
