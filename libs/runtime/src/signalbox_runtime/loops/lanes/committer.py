"""Results on their way into transactions.

After an abort the same results go into the next transaction; only those of partitions that went elsewhere
are dropped. Belongs to the Kafka thread.
"""

from collections import deque
from collections.abc import Callable, Sequence

import structlog

from signalbox_runtime import metrics as shared_metrics
from signalbox_runtime.clock import Clock
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.broker import GroupConsumer
from signalbox_runtime.loops.lanes import metrics, pacing
from signalbox_runtime.loops.lanes.backoff import Backoff
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.loops.lanes.handover import Result
from signalbox_runtime.loops.lanes.progress import Progress, is_finished
from signalbox_runtime.loops.lanes.transactor import Outcome, Transactor
from signalbox_runtime.records import TopicPartition

log = structlog.get_logger()


class Committer:
    """`settle` is told how many calls were committed, or will never be."""

    def __init__(
        self,
        *,
        transactor: Transactor,
        consumer: GroupConsumer,
        progress: Progress,
        limits: LaneLimits,
        clock: Clock,
        backoff: Backoff,
        settle: Callable[[int], None],
    ) -> None:
        self._transactor = transactor
        self._consumer = consumer
        self._progress = progress
        self._limits = limits
        self._clock = clock
        self._backoff = backoff
        self._settle_calls = settle
        self._results: deque[Result] = deque()
        self._calls = 0
        """Of `_results`, those of calls."""
        self._batch: list[Result] = []
        """In the transaction that runs, or was aborted and has to be tried again."""
        self._is_in_doubt = False
        self._last_results = 0
        self._last_end_seconds = 0.0
        self._not_before_seconds = 0.0

    def add(self, result: Result) -> None:
        """Takes a result in."""
        self._results.append(result)
        self._calls += result.called

    def is_empty(self) -> bool:
        """Whether nothing is left to commit."""
        return not self._batch and not self._results

    def has_results_of(self, names: frozenset[TopicPartition]) -> bool:
        """Whether results of these partitions are left to commit."""
        return any(result.partition in names for result in (*self._batch, *self._results))

    def is_due(self) -> bool:
        """Whether to commit now."""
        if self._batch:
            return True
        pace = pacing.Pace(
            results=len(self._results),
            calls=self._calls,
            last_results=self._last_results,
            since_last_ms=(self._clock.monotonic_seconds() - self._last_end_seconds) * 1000,
        )
        return pacing.is_due(pace, self._limits)

    def commit(self) -> bool:
        """Tries to commit what there is, at most once. Whether that succeeded."""
        if self._clock.monotonic_seconds() < self._not_before_seconds:
            return False
        if not self._transactor.is_ready():
            self._backoff.failed("the producer is not ready: no broker answers")
            return False
        if self._is_in_doubt and not self._resolve_doubt():
            return False
        self._fill_batch()
        if not self._batch:
            return False
        began = self._clock.monotonic_seconds()
        offsets = self._progress.offsets({result.partition for result in self._batch})
        outcome = self._transactor.attempt(
            (result.outbox for result in self._batch), offsets, self._consumer.group_metadata
        )
        ended = self._clock.monotonic_seconds()
        shared_metrics.TRANSACTIONS.labels(outcome.name.lower()).inc()
        match outcome:
            case Outcome.COMMITTED:
                metrics.report_transaction(self._batch, offsets.values(), ended - began, self._clock.now_ms())
                self._last_results, self._last_end_seconds = len(self._batch), ended
                self._batch_is_committed()
                return True
            case Outcome.ABORTED:
                self._not_before_seconds = ended + self._backoff.seconds
                self._backoff.aborted()
            case Outcome.UNKNOWN:
                self._is_in_doubt = True
                self._backoff.failed("a transaction ended without an answer")
        return False

    def _fill_batch(self) -> None:
        """Takes results into the batch, or keeps those of an aborted one; drops those that count no more."""
        if not self._batch:
            count = min(len(self._results), self._limits.transaction_results_max)
            self._batch = [self._results.popleft() for _ in range(count)]
            self._calls -= sum(result.called for result in self._batch)
        kept: list[Result] = []
        dropped: list[Result] = []
        for result in self._batch:
            counts = self._progress.finish(result.partition, result.epoch, result.offset)
            (kept if counts else dropped).append(result)
        self._batch = kept
        if dropped:
            metrics.DROPPED.inc(len(dropped))
            self._settle(dropped)

    def _resolve_doubt(self) -> bool:
        """Finds out what became of a transaction that gave no answer; the new producer has ended it."""
        current = [
            result for result in self._batch if self._progress.is_current(result.partition, result.epoch)
        ]
        if not current:
            self._is_in_doubt = False
            return True
        try:
            committed = self._consumer.committed({result.partition for result in current})
        except KafkaUnavailable as unavailable:
            log.warning("a transaction's outcome is not known yet", reason=str(unavailable))
            return False
        self._is_in_doubt = False
        # It was all or nothing, so one result tells.
        if is_finished(committed, current[0].partition, current[0].offset):
            self._batch_is_committed()
        return True

    def _batch_is_committed(self) -> None:
        batch, self._batch = self._batch, []
        self._settle(batch)
        self._backoff.succeeded()

    def _settle(self, results: Sequence[Result]) -> None:
        calls = sum(result.called for result in results)
        if calls:
            self._settle_calls(calls)
