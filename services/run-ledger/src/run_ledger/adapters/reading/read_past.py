"""Whether everybody has read past a deadline, so that what the history shows of a run is all there is.

An answer of the CRM that was appended in time may still be on its way: unread by the runner, or acted upon
with facts that the projection has not come to. So both are asked: the runner's committed offsets against the
offsets of the deadline, then the projection's against the journal's end. The log's very end counts, not the
end that committed reading sees: a transaction still open may hold an answer that is in time.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import psycopg
import structlog

from signalbox_contracts import topics
from signalbox_runtime.errors import KafkaFailure
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.kafka.group_progress import GroupProgress
from signalbox_runtime.records import TopicPartition

RUNNER_GROUP: Final = "action-runner"
WAIT_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.2
log = structlog.get_logger()
Positions = Mapping[TopicPartition, int]


class ReadPast(Protocol):
    """Asked before the ledger moves a run whose command was not answered."""

    async def read_past(self, deadline_ms: int) -> bool:
        """Whether every answer up to `deadline_ms` was read, and what came of it is in the history."""
        ...


class KafkaReadPast:
    """Asks the cluster and the history, one question at a time."""

    def __init__(self, kafka: Kafka, options: Mapping[str, str], database_url: str) -> None:
        self._kafka = kafka
        self._options = options
        self._database_url = database_url
        self._one_at_a_time = threading.Lock()

    async def read_past(self, deadline_ms: int) -> bool:
        return await asyncio.to_thread(self._read_past, deadline_ms)

    def _read_past(self, deadline_ms: int) -> bool:
        with self._one_at_a_time:
            try:
                progress = GroupProgress(self._options)
                return self._runner_is_past(progress, deadline_ms) and self._history_is_complete(progress)
            except (KafkaFailure, psycopg.OperationalError) as error:
                log.warning("it is unknown what was read", reason=str(error))
                return False

    def _runner_is_past(self, progress: GroupProgress, deadline_ms: int) -> bool:
        answers = [topics.CRM_COMMAND_RESULTS]
        targets = progress.first_after(answers, deadline_ms)
        return self._reached(targets, lambda: progress.committed(RUNNER_GROUP, answers), 0)

    def _history_is_complete(self, progress: GroupProgress) -> bool:
        return self._reached(progress.log_ends([topics.RUNS_JOURNAL]), self._projected, WAIT_SECONDS)

    def _reached(self, targets: Positions, positions: Callable[[], Positions], wait_seconds: float) -> bool:
        give_up_at = time.monotonic() + wait_seconds
        while True:
            now = positions()
            behind = {
                place: max(now.get(place, 0), 0)
                for place, target in targets.items()
                if now.get(place, 0) < target
            }
            if not behind or self._only_markers(behind, targets):
                return True
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(_PAUSE_SECONDS)

    def _only_markers(self, begins: Positions, targets: Positions) -> bool:
        """Whether only the ends of transactions lie between a position and its target."""
        reader = self._kafka.reader(begins)
        try:
            for _ in range(10):
                if any(
                    record.offset < targets[TopicPartition(record.topic, record.partition)]
                    for record in reader.read(1_000, _PAUSE_SECONDS)
                ):
                    return False
                if all(reader.position(place) >= targets[place] for place in begins):
                    return True
        finally:
            reader.close()
        return False

    def _projected(self) -> Positions:
        with psycopg.connect(self._database_url, connect_timeout=5) as connection:
            rows = connection.execute("SELECT topic, partition, next_offset FROM history.offsets").fetchall()
        return {TopicPartition(topic, partition): offset for topic, partition, offset in rows}
