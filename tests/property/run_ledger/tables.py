"""The history's tables in memory: what the SQL does, so that the fold's laws are tested without it."""

from collections.abc import Iterable

import msgspec

from run_ledger.domain import facts_seen
from run_ledger.domain.fold import Fact, Folded, Known, fold, merged_payloads
from run_ledger.domain.rows import RunKey, RunRow
from run_ledger.domain.transitions import ended, later


class Tables:
    """Rows by key."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[object, object]] = {
            name: {} for name in ("runs", "attempts", "payloads", "events", "verdicts", "late", "defects")
        }
        self.repeats = 0

    def take(self, facts: Iterable[Fact]) -> None:
        """One batch: what of it is known is asked first, as the projection does."""
        facts = list(facts)
        keys = {row.key for row in _runs_of(fold(facts))}
        known = {key: _known(row) for key in keys if isinstance(row := self.rows["runs"].get(key), RunRow)}
        folded = fold(facts, known)
        self.repeats += folded.repeats
        for row in _runs_of(folded):
            self._meet(row)
        for attempt in folded.attempts:
            place = (attempt.key, attempt.index, attempt.attempt)
            before = self.rows["attempts"].get(place)
            if before is None or attempt.seq > before.seq:  # type: ignore[attr-defined]
                self.rows["attempts"][place] = attempt
        for payload in folded.payloads:
            old = self.rows["payloads"].get(payload.key)
            self.rows["payloads"][payload.key] = payload if old is None else merged_payloads(old, payload)  # type: ignore[arg-type]
        self._insert("events", {(row.tenant_id, row.event_key): row for row in folded.events})
        self._insert("verdicts", {row.key: row for row in folded.verdicts})
        self._insert("late", {(row.key, row.digest): row for row in folded.late})
        self._insert("defects", {(row.key, row.seq, row.digest): row for row in folded.defects})

    def _meet(self, row: RunRow) -> None:
        before = self.rows["runs"].get(row.key)
        if isinstance(before, RunRow):
            row = RunRow(
                row.key,
                later(before.standing, row.standing),
                row.start or before.start,
                0,
                row.seen if row.whole else facts_seen.merged(before.seen, row.seen),
            )
        self.rows["runs"][row.key] = msgspec.structs.replace(row, first_seq=0, whole=False)

    def _insert(self, table: str, rows: dict[object, object]) -> None:
        self.rows[table] = {**rows, **self.rows[table]}


def _runs_of(folded: Folded) -> list[RunRow]:
    skipped = [RunRow(row.key, row.standing, row.start, 1, row.seen) for row in folded.skipped]
    return [*folded.runs, *skipped]


def _known(row: RunRow) -> Known:
    return Known(row.seen, row.standing.seq if ended(row.standing.state) else None)


__all__ = ["RunKey", "Tables"]
