"""The second loop guard's memory: how often each workflow ran on each record of late."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from signalbox_rules.guards import GuardDecision, RecentRuns, guard_rate

RECORDS_REMEMBERED_MAX: Final = 20_000
"""A loop keeps its record among the last ones; forgetting a record only lets runs through."""
DECISIONS_REMEMBERED_MAX: Final = 500
"""As many as a batch has requests at most: after an abort all are judged again, and may be of one record."""


@dataclass(slots=True)
class _Record:
    recent: RecentRuns = field(default_factory=RecentRuns)
    decisions: OrderedDict[str, GuardDecision] = field(default_factory=OrderedDict)


class RateMemory:
    """Decides once per run: judging a run again, after an abort, gives the same answer and counts once."""

    def __init__(self) -> None:
        self._records: OrderedDict[tuple[str, bytes], _Record] = OrderedDict()

    def decide(self, workflow_id: str, lane: bytes, run_id: str, event_time: datetime) -> GuardDecision:
        """May `run_id` start?"""
        record = self._records.setdefault((workflow_id, lane), _Record())
        self._records.move_to_end((workflow_id, lane))
        if len(self._records) > RECORDS_REMEMBERED_MAX:
            self._records.popitem(last=False)
        known = record.decisions.get(run_id)
        if known is not None:
            return known
        decision, record.recent = guard_rate(record.recent, event_time)
        record.decisions[run_id] = decision
        if len(record.decisions) > DECISIONS_REMEMBERED_MAX:
            record.decisions.popitem(last=False)
        return decision
