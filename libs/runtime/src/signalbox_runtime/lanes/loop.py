"""The Kafka side: the one thread that owns consumer and producer.

A turn: consume what there is, hand over what may be worked on, take in results, commit when it is due.
Nothing is ever rewound: after an abort the same results go into the next transaction, and a result counts
only as long as the assignment stands under which its record was handed over.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence

import msgspec
import structlog

from signalbox_runtime import metrics as shared_metrics
from signalbox_runtime.broker import Kafka, Offsets
from signalbox_runtime.clock import Clock
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.lanes import back_pressure, metrics, pacing
from signalbox_runtime.lanes.executor_thread import ExecutorPort
from signalbox_runtime.lanes.handler import LaneLimits
from signalbox_runtime.lanes.handover import ExecutorEnded, Handover, Prepared, Result, StillRunning
from signalbox_runtime.lanes.progress import Progress, is_finished
from signalbox_runtime.lanes.transactor import Outcome, Transactor
from signalbox_runtime.readiness import Readiness
from signalbox_runtime.records import TopicPartition
from signalbox_runtime.watchdog import Heart

BUSY_POLL_SECONDS = 0.001
"""While results can come: they wait for the end of a poll."""
IDLE_POLL_SECONDS = 0.1
BATCH_RECORDS_MAX = 500
PAUSE_FIRST_SECONDS = 0.02
"""After an abort, which mostly is a rebalance that needs a few polls, or while no broker answers. It
doubles until something goes well."""
PAUSE_MAX_SECONDS = 0.5
CONDITION = "consuming"
log = structlog.get_logger()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Who this process is to Kafka."""

    group: str
    transactional_id: str
    instance_id: str | None = None


class LaneLoop:
    """Fulfils broker.RebalanceListener. Everything runs on the thread that calls `run`."""

    def __init__(
        self,
        *,
        kafka: Kafka,
        member: Member,
        limits: LaneLimits,
        clock: Clock,
        executor: ExecutorPort,
        from_executor: deque[Handover],
        heart: Heart,
        readiness: Readiness,
        pause: Callable[[float], object],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._executor = executor
        self._from_executor = from_executor
        self._heart = heart
        self._readiness = readiness
        self._pause = pause
        self._consumer = kafka.group_consumer(member.group, member.instance_id)
        self._transactor = Transactor(kafka, member.transactional_id)
        self._progress = Progress(limits.metadata_max_bytes)
        self._results: deque[Result] = deque()
        self._calls = 0
        """Of `_results`, those of calls."""
        self._batch: list[Result] = []
        """In the transaction that runs, or was aborted and has to be tried again."""
        self._is_in_doubt = False
        self._paused: frozenset[TopicPartition] = frozenset()
        self._resting: frozenset[TopicPartition] = frozenset()
        self._revocations = 0
        self._answers: dict[int, StillRunning] = {}
        self._executor_has_ended = False
        self._last_results = 0
        self._last_end_seconds = 0.0
        self._not_before_seconds = 0.0
        self._pause_seconds = PAUSE_FIRST_SECONDS

    def run(self, topics: Sequence[str], stopping: threading.Event) -> None:
        """Consumes until `stopping` is set, then drains, commits and leaves the group."""
        while not self._transactor.is_ready() and not stopping.is_set():
            self._heart.beat()
        self.join(topics)
        while not stopping.is_set() and not self._executor_has_ended:
            self.turn()
        self.leave()

    def join(self, topics: Sequence[str]) -> None:
        """Enters the group; partitions come with the turns."""
        self._readiness.unmet(CONDITION, "joining the consumer group")
        self._consumer.subscribe(topics, self)

    def leave(self) -> None:
        """Drains, commits, gives everything up."""
        self._consumer.close()
        self._transactor.close()

    def turn(self) -> None:
        """Once round."""
        self._heart.beat()
        waits = self._progress.held_total or self._batch or self._results or self._paused
        room = self._limits.held_max - self._progress.held_total
        try:
            records = self._consumer.poll(
                BUSY_POLL_SECONDS if waits else IDLE_POLL_SECONDS, max(1, min(BATCH_RECORDS_MAX, room))
            )
        except KafkaUnavailable as unavailable:
            self._goes_badly(str(unavailable))
            self._pause(self._pause_seconds)
            records = []
        deliveries = self._progress.receive(records)
        if self._paused:
            deliveries += self._progress.release()
        if deliveries:
            self._executor.deliver(deliveries)
        self._take_in()
        self._pause_and_resume()
        if self._is_due():
            self._commit()
        elif not waits:
            self._transactor.poll()
            if records:
                self._goes_well()

    # --- RebalanceListener: inside poll() and close() ----------------------------------------------

    def assigned(self, partitions: Offsets) -> None:
        """New partitions: skips what the metadata says is finished, and lets the handler get ready."""
        epochs = self._progress.assign(partitions)
        for name in epochs:
            shared_metrics.PARTITIONS.labels(name.topic).inc()
        shared_metrics.REBALANCES.labels("assigned").inc()
        self._executor.assigned({name: begin.offset for name, begin in partitions.items()}, epochs)
        self._goes_well()

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Drains for a bounded time, commits, and only then lets go."""
        shared_metrics.REBALANCES.labels("revoked").inc()
        names = frozenset(partitions)
        give_up_at = self._clock.monotonic_seconds() + self._limits.drain_seconds
        request = self._drop_waiting(names)
        while not self._is_drained(request, names) and self._clock.monotonic_seconds() < give_up_at:
            self._heart.beat()
            if not self._commit():
                self._pause(BUSY_POLL_SECONDS)
            self._take_in()
        self._let_go(request, names)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        """Somebody else may have them already: nothing of theirs is committed any more."""
        shared_metrics.REBALANCES.labels("lost").inc()
        names = frozenset(partitions)
        self._let_go(self._drop_waiting(names), names)

    def _drop_waiting(self, names: frozenset[TopicPartition]) -> int:
        self._revocations += 1
        self._executor.revoke(self._revocations, names)
        return self._revocations

    def _is_drained(self, request: int, names: frozenset[TopicPartition]) -> bool:
        if any(result.partition in names for result in (*self._batch, *self._results)):
            return False
        if self._executor_has_ended:
            return True
        answer = self._answers.get(request)
        return answer is not None and not any(self._progress.is_unfinished(*call) for call in answer.calls)

    def _let_go(self, request: int, names: frozenset[TopicPartition]) -> None:
        self._answers.pop(request, None)
        self._progress.remove(names)
        self._paused -= names
        self._resting -= names
        for name in names:
            shared_metrics.PARTITIONS.labels(name.topic).dec()

    # --- results and commits -----------------------------------------------------------------------

    def _take_in(self) -> None:
        while self._from_executor:
            handover = self._from_executor.popleft()
            match handover:
                case Result():
                    self._results.append(handover)
                    self._calls += handover.called
                case Prepared():
                    self._progress.open(handover.epochs)
                case StillRunning():
                    self._answers[handover.request] = handover
                case ExecutorEnded():
                    self._executor_has_ended = True

    def _is_due(self) -> bool:
        if self._batch:
            return True
        pace = pacing.Pace(
            results=len(self._results),
            calls=self._calls,
            last_results=self._last_results,
            since_last_ms=(self._clock.monotonic_seconds() - self._last_end_seconds) * 1000,
        )
        return pacing.is_due(pace, self._limits)

    def _commit(self) -> bool:
        """Tries to commit what there is, at most once. Whether there is less to commit than before."""
        if self._clock.monotonic_seconds() < self._not_before_seconds:
            return False
        if not self._transactor.is_ready():
            self._goes_badly("the producer is not ready: no broker answers")
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
                self._not_before_seconds = ended + self._pause_seconds
                self._pause_seconds = min(2 * self._pause_seconds, PAUSE_MAX_SECONDS)
            case Outcome.UNKNOWN:
                self._is_in_doubt = True
                self._goes_badly("a transaction ended without an answer")
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
        self._goes_well()

    def _settle(self, results: Sequence[Result]) -> None:
        calls = sum(result.called for result in results)
        if calls:
            self._executor.settle(calls)

    def _goes_badly(self, reason: str) -> None:
        self._readiness.unmet(CONDITION, reason)
        self._pause_seconds = min(2 * self._pause_seconds, PAUSE_MAX_SECONDS)

    def _goes_well(self) -> None:
        self._readiness.met(CONDITION)
        self._pause_seconds = PAUSE_FIRST_SECONDS

    # --- back-pressure -----------------------------------------------------------------------------

    def _pause_and_resume(self) -> None:
        half = self._limits.held_max * back_pressure.RESUME_AT
        if self._resting or self._progress.held_total >= half:
            self._resting = back_pressure.resting(self._progress.held(), self._limits.held_max, self._resting)
            metrics.RESTING_PARTITIONS.set(len(self._resting))
        paused = self._resting | self._progress.closed()
        if paused == self._paused:
            return
        if paused - self._paused:
            self._consumer.pause(paused - self._paused)
        for name in self._paused - paused:
            self._consumer.resume(name, self._progress.next_offset(name))
        self._paused = paused
