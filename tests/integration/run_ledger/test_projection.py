"""The projection on real PostgreSQL: batches, repeats, zombies, months, erasure."""

import random
from collections.abc import Callable

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from run_ledger.adapters.projection.projection_store import ProjectionStore
from run_ledger.domain import figures
from signalbox_contracts.cloudevents import CHAIN_MAX_BYTES, ID_MAX_BYTES
from signalbox_contracts.messages import JournalFact, Judgement, RunRedacted
from signalbox_runtime import fault
from signalbox_runtime.loops.projection import DatabaseAway, OwnershipLost
from tests.integration.run_ledger import journal
from tests.property.run_ledger import journals
from tests.unit.run_ledger import facts

# What the figures say against what the rows come to: runs by status, failures by the bucket of their end,
# durations counted, the newest run.
KEPT = """
    SELECT 'status', f.workflow_id, t.name, t.runs FROM history.figures f, LATERAL (VALUES
        ('running', running), ('waiting', waiting), ('success', success), ('failed', failed),
        ('canceled', canceled), ('skipped', skipped)) t (name, runs) WHERE t.runs <> 0
    UNION ALL SELECT 'bucket', workflow_id, bucket_ms::text, ended_failed FROM history.figure_buckets
        WHERE ended_failed <> 0
    UNION ALL SELECT 'runs', workflow_id, bucket_ms::text, running + waiting + success + failed + canceled
        FROM history.figure_buckets WHERE running + waiting + success + failed + canceled <> 0
    UNION ALL SELECT 'ended', workflow_id, '', sum(runs)::bigint FROM history.figure_latency_totals
        GROUP BY workflow_id
    UNION ALL SELECT 'ended', workflow_id, bucket_ms::text, sum(runs)::bigint FROM history.figure_latencies
        GROUP BY workflow_id, bucket_ms
    UNION ALL SELECT 'newest', workflow_id, '', last_run_at_ms FROM history.figures
        WHERE last_run_at_ms IS NOT NULL
    ORDER BY 1, 2, 3"""
COUNTED_ANEW = f"""
    WITH r AS (SELECT *, (('x' || left(replace(run_id::text, '-', ''), 12))::bit(48)::bigint
            / {figures.BUCKET_MS} * {figures.BUCKET_MS})::text AS bucket FROM history.runs)
    SELECT 'status', workflow_id, status, count(*) FROM r GROUP BY workflow_id, status
    UNION ALL SELECT 'status', workflow_id, 'skipped', count(*) FROM history.skipped_runs GROUP BY workflow_id
    UNION ALL SELECT 'bucket', workflow_id,
            (ended_at_ms / {figures.BUCKET_MS} * {figures.BUCKET_MS})::text, count(*)
        FROM r WHERE status = 'failed' GROUP BY 2, 3
    UNION ALL SELECT 'runs', workflow_id, bucket, count(*) FROM r GROUP BY 2, 3
    UNION ALL SELECT 'ended', workflow_id, '', count(*) FROM r WHERE status IN ('success', 'failed')
        GROUP BY 2
    UNION ALL SELECT 'ended', workflow_id, bucket, count(*) FROM r WHERE status IN ('success', 'failed')
        GROUP BY 2, 3
    UNION ALL SELECT 'newest', workflow_id, '', max(started_at_ms) FROM r GROUP BY 2
    ORDER BY 1, 2, 3"""


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_batching_gives_the_same_tables(database_url: str, data: st.DataObject) -> None:
    story = data.draw(journals.journals())
    cut = data.draw(journals.batches(data.draw(journals.repeated(story))))
    tables = journal.told(database_url, *cut)
    with psycopg.connect(database_url) as connection:
        assert connection.execute(KEPT).fetchall() == connection.execute(COUNTED_ANEW).fetchall()
    assert tables == journal.told(database_url, story)


def test_one_run_becomes_its_rows(database_url: str) -> None:
    tables = journal.told(
        database_url,
        [facts.judged(facts.started(), facts.skipped())],
        [facts.succeeded(2), facts.failed(3, 1), facts.run_failed(4)],
    )
    assert len(tables["runs"]) == len(tables["skipped_runs"]) == len(tables["events"]) == 1
    assert len(tables["attempts"]) == len(tables["verdicts"]) == 2
    with psycopg.connect(database_url) as connection:
        grid = connection.execute(
            "SELECT workflow_id, run_count, skipped_count, runs_by_status, failed_24h, p50_ms FROM"
            " history.workflow_figures ORDER BY workflow_id"
        ).fetchall()
    assert [row[:3] for row in grid] == [("wf-1", 1, 0), ("wf-2", 0, 1)]
    assert grid[0][3]["failed"] == 1
    assert sum(grid[0][3].values()) == 1
    assert 40 <= grid[0][5] <= 44


def test_a_run_that_fails_later_than_its_bucket_counts_in_both(database_url: str) -> None:
    later_ms = 3 * figures.BUCKET_MS
    journal.told(
        database_url,
        [facts.judged(facts.started())],
        [msgspec.structs.replace(facts.run_failed(2), at_ms=facts.T0 + later_ms)],
    )
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT bucket_ms, running, failed, ended_failed FROM history.figure_buckets ORDER BY bucket_ms"
        ).fetchall()
    assert [row[1:] for row in rows] == [(0, 1, 0), (0, 0, 1)]
    assert rows[1][0] - rows[0][0] == later_ms


def test_what_is_met_again_falls_back_to_the_careful_way(database_url: str) -> None:
    """Rows of new runs go straight into the tables, whose keys stop what is there already."""
    first: list[JournalFact] = [facts.judged(facts.started(), facts.skipped()), facts.succeeded(2)]
    more: list[JournalFact] = [
        facts.judged(facts.started("wf-3", "evt-3"), source=facts.event("evt-3")),
        facts.run_failed(3),
    ]
    expected = journal.told(database_url, [*first, *more])
    assert journal.told(database_url, first, [*more, *first]) == expected
    assert journal.told(database_url, first, [*first, *more]) == expected
    assert journal.told(database_url, first, more, first[:1], more) == expected


@pytest.mark.parametrize("other", [facts.skipped, facts.started])
def test_two_judgements_of_one_run_are_a_defect_in_any_batching(
    database_url: str, other: Callable[..., Judgement]
) -> None:
    one, two = facts.started(), other("wf-1", detail="another one")
    story: list[JournalFact] = [facts.judged(one), facts.judged(two), facts.run_succeeded(2)]
    expected = journal.told(database_url, story)
    assert (len(expected["runs"]), len(expected["defects"])) == (1, 1)
    for cut in (1, 2):
        assert journal.told(database_url, story[:cut], story[cut:]) == expected
    reverse: list[JournalFact] = [story[1], story[0]]
    assert journal.told(database_url, story[1:2], story[:1]) == journal.told(database_url, reverse)


def test_a_batch_of_an_owner_that_was_replaced_is_refused(database_url: str) -> None:
    journal.make_history(database_url)
    with journal.store_of(database_url, "ledger-0") as zombie:
        zombie.store(zombie.prepare(journal.inbound([facts.judged(facts.started())])))
        with journal.store_of(database_url, "ledger-1") as owner:
            with pytest.raises(OwnershipLost, match="ledger-0"):
                zombie.store(zombie.prepare(journal.inbound([facts.succeeded(2)], 1)))
            assert journal.dump(database_url)["attempts"] == []
            owner.store(owner.prepare(journal.inbound([facts.succeeded(2)], 1)))
    assert len(journal.dump(database_url)["attempts"]) == 1


def test_a_claim_says_where_the_partition_goes_on(database_url: str) -> None:
    journal.make_history(database_url)
    with journal.store_of(database_url) as store:
        store.store(store.prepare(journal.inbound([facts.judged(facts.started()), facts.succeeded(2)])))
    store = ProjectionStore(database_url, "ledger-1")
    assert store.claim([journal.JOURNAL]) == {journal.JOURNAL: 2}
    store.close()


def test_a_crash_before_the_commit_keeps_neither_rows_nor_offset(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.make_history(database_url)
    batch = journal.inbound([facts.judged(facts.started())])
    with journal.store_of(database_url) as store:
        monkeypatch.setattr(fault, "_armed", {"ledger.before_commit": ("error", 1)})
        with pytest.raises(fault.FaultInjected):
            store.store(store.prepare(batch))
        assert journal.dump(database_url)["runs"] == []
        store.store(store.prepare(batch))
    assert len(journal.dump(database_url)["runs"]) == 1


def test_the_longest_names_fit_the_indexes(database_url: str) -> None:
    """As long as events may have them, and of letters that PostgreSQL can't compress."""
    letters = random.Random(7)

    def name(length: int) -> str:
        return "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(length // 3))

    source = facts.event(
        name(ID_MAX_BYTES),
        name(ID_MAX_BYTES),
        tenant_id=name(ID_MAX_BYTES),
        chain=tuple(name(CHAIN_MAX_BYTES // 4 - 3) for _ in range(4)),
    )
    assert len(",".join(source.chain).encode()) > CHAIN_MAX_BYTES - 30
    message = facts.judged(facts.started("wf-1"), facts.skipped("wf-2"), source=source)
    tables = journal.told(database_url, [msgspec.structs.replace(message, tenant_id=source.tenant_id)])
    assert (len(tables["runs"]), len(tables["skipped_runs"])) == (1, 1)


def test_a_session_that_was_cut_is_made_anew(database_url: str) -> None:
    journal.make_history(database_url)
    batch = journal.inbound([facts.judged(facts.started())])
    with journal.store_of(database_url) as store:
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'run-ledger-projection' AND datname = current_database()"
            )
        with pytest.raises(DatabaseAway):
            store.store(store.prepare(batch))
        store.store(store.prepare(batch))
    assert len(journal.dump(database_url)["runs"]) == 1


def test_a_run_of_an_unexpected_month_makes_its_partition(database_url: str) -> None:
    journal.make_history(database_url)
    from signalbox_contracts import ids

    run = ids.run_id(4_102_444_800_000, facts.TENANT, "evt-1", "wf-1")
    with journal.store_of(database_url) as store:
        store.store(store.prepare(journal.inbound([facts.judged(facts.started(run_id=run))])))
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM history.runs_2100_01").fetchone() == (1,)


def test_text_with_nul_does_not_stop_the_projection(database_url: str) -> None:
    tables = journal.told(
        database_url,
        [
            facts.judged(facts.started()),
            facts.failed(2, error_detail="a\x00b"),
            facts.run_failed(3, error_detail="\x00"),
        ],
    )
    assert "a\ufffdb" in tables["attempts"][0]


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_erasure_reaches_what_came_and_what_comes(database_url: str, cut: int) -> None:
    erase = RunRedacted(
        tenant_id=facts.TENANT,
        module="leads",
        record_id="lead-42",
        at_ms=facts.T0 + 1_000,
        requested_by="ada",
    )
    late = msgspec.structs.replace(facts.late_result(), reason="secret")
    story: list[JournalFact] = [
        facts.judged(facts.started(), facts.skipped()),
        facts.succeeded(2, record=b'{"secret":1}', receipt=b'{"secret":1}'),
        erase,
        facts.failed(3, 1, error_detail="secret"),
        facts.run_failed(4, error_detail="secret"),
        late,
    ]
    tables = journal.told(database_url, story[:cut], story[cut:])
    assert tables == journal.told(database_url, story)
    assert "secret" not in str(tables)
    assert b'{"secret":1}'.hex() not in str(tables)
    assert len(tables["runs"]) == 1
