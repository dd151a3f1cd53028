"""Which partitions go, and which are rewritten because only some tenants' rows are too old."""

from datetime import UTC, datetime

import pytest

from run_ledger.domain.retention import Ages, Drop, Kept, Rewrite, plan

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DEFAULT = Ages(runs=400, payloads=90, verdicts=90, skipped=7)
SHORT = Ages(runs=30, payloads=30, verdicts=30, skipped=1)
LONG = Ages(runs=4_000, payloads=400, verdicts=90, skipped=7)
OCTOBER = Kept("runs", "runs_2026_09", "runs", datetime(2026, 10, 1, tzinfo=UTC))
PAYLOADS = Kept("events", "events_2026_07", "payloads", datetime(2026, 8, 1, tzinfo=UTC))
SKIPPED = Kept("skipped_runs", "skipped_runs_2026_11_15", "skipped", datetime(2026, 11, 16, tzinfo=UTC))


@pytest.mark.parametrize("tenants", [{}, {"a": SHORT}])
def test_what_is_too_old_for_everybody_is_dropped(tenants: dict[str, Ages]) -> None:
    assert plan([PAYLOADS, SKIPPED], DEFAULT, tenants, NOW) == [Drop(PAYLOADS), Drop(SKIPPED)]


def test_what_is_too_old_for_some_is_rewritten_without_them() -> None:
    assert plan([OCTOBER], DEFAULT, {"a": SHORT, "b": LONG}, NOW) == [Rewrite(OCTOBER, ("a",), keeps=False)]


def test_what_only_some_still_keep_is_rewritten_with_them() -> None:
    assert plan([PAYLOADS], DEFAULT, {"a": SHORT, "b": LONG}, NOW) == [Rewrite(PAYLOADS, ("b",), keeps=True)]


def test_what_is_young_enough_stays() -> None:
    assert plan([OCTOBER], DEFAULT, {"b": LONG}, NOW) == []


def test_a_partition_stays_until_its_last_day_is_too_old() -> None:
    almost = Kept("skipped_runs", "s", "skipped", datetime(2026, 11, 16, 0, 0, 1, tzinfo=UTC))
    assert plan([almost], DEFAULT, {}, NOW) == []
