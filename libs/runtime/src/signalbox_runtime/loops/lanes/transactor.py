"""One transaction at a time, and what follows each way it can end."""

from collections.abc import Callable, Iterable
from enum import Enum, auto

import structlog

from signalbox_runtime import fault
from signalbox_runtime.errors import KafkaUnavailable, OutcomeUnknown, TransactionAbortable
from signalbox_runtime.kafka.broker import GroupMetadata, Kafka, Offsets
from signalbox_runtime.records import Outbox

log = structlog.get_logger()


class Outcome(Enum):
    """How an attempt to commit ended."""

    COMMITTED = auto()
    ABORTED = auto()
    """Nothing of it counts: the same goes into the next one."""
    UNKNOWN = auto()
    """Once `Transactor.is_ready`, the group's committed offsets tell which of the two it was."""


class Transactor:
    """Owns the producer. Belongs to the Kafka thread. ClientFailed passes through: the process ends."""

    def __init__(self, kafka: Kafka, transactional_id: str) -> None:
        self._kafka = kafka
        self._transactional_id = transactional_id
        self._producer = kafka.transactional_producer(transactional_id)
        self._is_initialised = False

    def is_ready(self) -> bool:
        """Whether a transaction can begin; tries to get there, for as long as one call takes."""
        if not self._is_initialised:
            try:
                self._producer.initialise()
            except KafkaUnavailable as unavailable:
                log.warning("the producer is not ready", reason=str(unavailable))
                return False
            self._is_initialised = True
        return True

    def attempt(
        self, outboxes: Iterable[Outbox], offsets: Offsets, group_metadata: Callable[[], GroupMetadata]
    ) -> Outcome:
        """Produces the records and commits them with the offsets. The metadata is taken at the end."""
        producer = self._producer
        try:
            producer.begin()
            for outbox in outboxes:
                for record in outbox:
                    producer.produce(record)
            producer.send_offsets(offsets, group_metadata())
            fault.at("lanes.before_commit")
            producer.commit()
        except TransactionAbortable as abortable:
            log.info("transaction aborted", reason=str(abortable))
            self._abort()
            return Outcome.ABORTED
        except OutcomeUnknown as unknown:
            log.warning("transaction without an answer", reason=str(unknown))
            self._renew()
            return Outcome.UNKNOWN
        fault.at("lanes.after_commit")
        return Outcome.COMMITTED

    def poll(self) -> None:
        """Lets a fatal error of the idle producer show itself."""
        if self._is_initialised:
            self._producer.poll()

    def close(self) -> None:
        """Lets go; nothing is open at that time."""
        self._producer.destroy()

    def _abort(self) -> None:
        try:
            self._producer.abort()
        except (TransactionAbortable, OutcomeUnknown, KafkaUnavailable) as failure:
            # A successor of the same id aborts it just as well.
            log.warning("abort without an answer", reason=str(failure))
            self._renew()

    def _renew(self) -> None:
        self._producer.destroy()
        self._producer = self._kafka.transactional_producer(self._transactional_id)
        self._is_initialised = False
