"""Asks the brokers every two seconds whether they are there, and says so in the readiness condition `kafka`.

librdkafka reports that brokers went away but not that an idle client's came back, hence a question. With the
first answer comes a second one: for how long the brokers keep the offsets of an idle group.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from signalbox_runtime.errors import KafkaUnavailable, ServiceRefused
from signalbox_runtime.kafka.topic_plan import OFFSETS_RETENTION_MINUTES
from signalbox_runtime.process.readiness import Readiness

CONDITION = "kafka"
_INTERVAL_SECONDS = 2.0


class Brokers(Protocol):
    """What is asked. Both raise KafkaUnavailable when nobody answers within the time."""

    def ping(self, timeout_seconds: float) -> None: ...

    def offsets_retention_minutes(self, timeout_seconds: float) -> int | None:
        """None when this client may not know."""
        ...


class BrokerProbe:
    """Probes on a thread of its own between `start` and `stop`; `refuse` gets what must end the service."""

    def __init__(
        self,
        make_client: Callable[[], Brokers],
        address: str,
        readiness: Readiness,
        refuse: Callable[[ServiceRefused], None],
        interval_seconds: float = _INTERVAL_SECONDS,
    ) -> None:
        self._make_client = make_client
        self._address = address
        self._readiness = readiness
        self._refuse = refuse
        self._interval_seconds = interval_seconds
        self._stopping = threading.Event()
        self._is_checked = False
        self._thread = threading.Thread(target=self._probe, name="broker-probe", daemon=True)
        readiness.unmet(CONDITION, f"no answer yet from Kafka at {address}")

    def start(self) -> None:
        """Begins to probe."""
        self._thread.start()

    def stop(self) -> None:
        """Probes no more."""
        self._stopping.set()
        self._thread.join(self._interval_seconds * 2)

    def _probe(self) -> None:
        brokers = self._make_client()
        while not self._stopping.is_set():
            try:
                brokers.ping(self._interval_seconds)
                self._check_retention(brokers)
            except KafkaUnavailable as unavailable:
                reason = f"Kafka at {self._address} does not answer: {unavailable}"
                self._readiness.unmet(CONDITION, reason)
            except ServiceRefused as refused:
                self._refuse(refused)
                return
            else:
                self._readiness.met(CONDITION)
            self._stopping.wait(self._interval_seconds)

    def _check_retention(self, brokers: Brokers) -> None:
        if self._is_checked:
            return
        minutes = brokers.offsets_retention_minutes(self._interval_seconds)
        if minutes is not None and minutes < OFFSETS_RETENTION_MINUTES:
            raise ServiceRefused(
                f"Kafka at {self._address} forgets an idle group's offsets after {minutes} minutes: set "
                f"offsets.retention.minutes={OFFSETS_RETENTION_MINUTES} on its brokers."
            )
        self._is_checked = True
