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
from signalbox_runtime.clock import Clock
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.broker import Kafka, Offsets
from signalbox_runtime.loops.lanes import back_pressure, metrics
from signalbox_runtime.loops.lanes.backoff import Backoff
from signalbox_runtime.loops.lanes.committer import Committer
from signalbox_runtime.loops.lanes.executor_thread import ExecutorPort
from signalbox_runtime.loops.lanes.handler import LaneLimits
from signalbox_runtime.loops.lanes.handover import ExecutorEnded, Handover, Prepared, Result, StillRunning
from signalbox_runtime.loops.lanes.progress import Progress
from signalbox_runtime.loops.lanes.transactor import Transactor
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import Inbound, TopicPartition

BUSY_POLL_SECONDS = 0.001
"""While results can come: they wait for the end of a poll."""
IDLE_POLL_SECONDS = 0.1
BATCH_RECORDS_MAX = 500
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
        self._pause = pause
        self._consumer = kafka.group_consumer(member.group, member.instance_id, pauses=True)
        self._transactor = Transactor(kafka, member.transactional_id)
        self._progress = Progress(limits.metadata_max_bytes)
        self._backoff = Backoff(readiness)
        self._committer = Committer(
            transactor=self._transactor,
            consumer=self._consumer,
            progress=self._progress,
            limits=limits,
            clock=clock,
            backoff=self._backoff,
            settle=executor.settle,
        )
        self._paused: frozenset[TopicPartition] = frozenset()
        self._resting: frozenset[TopicPartition] = frozenset()
        self._revocations = 0
        self._answers: dict[int, StillRunning | None] = {}
        """By request, of those that are waited for; None until the answer is there."""
        self._executor_has_ended = False

    def run(self, topics: Sequence[str], stopping: threading.Event) -> None:
        """Consumes until `stopping` is set, then drains, commits and leaves the group."""
        while not self._transactor.is_ready() and not stopping.is_set():
            self._heart.beat()
        self.join(topics)
        while not stopping.is_set() and not self._executor_has_ended:
            self.turn()
        self.drain()
        self.leave()

    def join(self, topics: Sequence[str]) -> None:
        """Enters the group; partitions come with the turns."""
        self._backoff.failed("joining the consumer group")
        self._consumer.subscribe(topics, self)

    def drain(self) -> None:
        """Lets the calls that run end, and commits them, for a bounded time and as a member of the group.

        Left to `leave`, calls longer than the session would be repeated: a consumer that closes sends no
        heartbeats, so the group gives its partitions away.
        """
        # What the poll brings is for who comes next.
        self._drain(frozenset(self._progress.held()), lambda: self._poll(BUSY_POLL_SECONDS, 1))

    def leave(self) -> None:
        """Gives everything up."""
        try:
            self._consumer.close()
        finally:
            self._transactor.close()

    def turn(self) -> None:
        """Once round."""
        self._heart.beat()
        waits = self._progress.held_total or self._paused or not self._committer.is_empty()
        room = self._limits.held_max - self._progress.held_total
        records = self._poll(
            BUSY_POLL_SECONDS if waits else IDLE_POLL_SECONDS, max(1, min(BATCH_RECORDS_MAX, room))
        )
        deliveries = self._progress.receive(records)
        if self._paused:
            deliveries += self._progress.release()
        if deliveries:
            self._executor.deliver(deliveries)
        self._take_in()
        self._pause_and_resume()
        if self._committer.is_due():
            self._committer.commit()
        elif not waits:
            self._transactor.poll()
            if records:
                self._backoff.succeeded()

    def _poll(self, timeout_seconds: float, records_max: int) -> list[Inbound]:
        try:
            return self._consumer.poll(timeout_seconds, records_max)
        except KafkaUnavailable as unavailable:
            self._backoff.failed(str(unavailable))
            self._pause(self._backoff.seconds)
            return []

    # --- RebalanceListener: inside poll() and close() ----------------------------------------------

    def assigned(self, partitions: Offsets) -> None:
        """New partitions: skips what the metadata says is finished, and lets the handler get ready."""
        log.info("assigned", partitions=_places(partitions))
        epochs = self._progress.assign(partitions)
        for name in epochs:
            shared_metrics.PARTITIONS.labels(name.topic).inc()
        shared_metrics.REBALANCES.labels("assigned").inc()
        self._executor.assigned({name: begin.offset for name, begin in partitions.items()}, epochs)
        self._backoff.succeeded()

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Drains for a bounded time, commits, and only then lets go."""
        log.info("revoked", partitions=_places(partitions))
        shared_metrics.REBALANCES.labels("revoked").inc()
        names = frozenset(partitions)
        self._drain(names, lambda: self._pause(BUSY_POLL_SECONDS))
        self._let_go(names)

    def lost(self, partitions: Collection[TopicPartition]) -> None:
        """Somebody else may have them already: nothing of theirs is committed any more."""
        log.warning("lost", partitions=_places(partitions))
        shared_metrics.REBALANCES.labels("lost").inc()
        names = frozenset(partitions)
        self._drop_waiting(names)
        self._let_go(names)

    def _drain(self, names: frozenset[TopicPartition], let_time_pass: Callable[[], object]) -> None:
        give_up_at = self._clock.monotonic_seconds() + self._limits.drain_seconds
        request = self._drop_waiting(names)
        self._answers[request] = None
        while not self._is_drained(request, names) and self._clock.monotonic_seconds() < give_up_at:
            self._heart.beat()
            if not self._committer.commit():
                let_time_pass()
            self._take_in()
        del self._answers[request]

    def _drop_waiting(self, names: frozenset[TopicPartition]) -> int:
        self._revocations += 1
        self._executor.revoke(self._revocations, names)
        return self._revocations

    def _is_drained(self, request: int, names: frozenset[TopicPartition]) -> bool:
        if self._committer.has_results_of(names):
            return False
        if self._executor_has_ended:
            return True
        answer = self._answers[request]
        return answer is not None and not any(self._progress.is_unfinished(*call) for call in answer.calls)

    def _let_go(self, names: frozenset[TopicPartition]) -> None:
        self._progress.remove(names)
        self._paused -= names
        self._resting -= names
        for name in names:
            shared_metrics.PARTITIONS.labels(name.topic).dec()

    def _take_in(self) -> None:
        while self._from_executor:
            handover = self._from_executor.popleft()
            match handover:
                case Result():
                    self._committer.add(handover)
                case Prepared():
                    self._progress.open(handover.epochs)
                case StillRunning():
                    if handover.request in self._answers:
                        self._answers[handover.request] = handover
                case ExecutorEnded():
                    self._executor_has_ended = True

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


def _places(partitions: Collection[TopicPartition]) -> list[str]:
    return [f"{name.topic}-{name.partition}" for name in sorted(partitions)]
