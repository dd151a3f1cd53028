"""Asks the brokers every two seconds whether they are there, and says so in the readiness condition `kafka`.

librdkafka reports that brokers went away but not that an idle client's came back, hence a question.
"""

import threading
from collections.abc import Mapping

from signalbox_runtime.kafka import ClusterPing
from signalbox_runtime.kafka_options import BOOTSTRAP_OPTION
from signalbox_runtime.readiness import Readiness

CONDITION = "kafka"
_INTERVAL_SECONDS = 2.0


class BrokerProbe:
    """Probes on a thread of its own between `start` and `stop`."""

    def __init__(self, options: Mapping[str, str], readiness: Readiness) -> None:
        self._options = options
        self._readiness = readiness
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._probe, name="broker-probe", daemon=True)
        readiness.unmet(CONDITION, f"no answer yet from Kafka at {options[BOOTSTRAP_OPTION]}")

    def start(self) -> None:
        """Begins to probe."""
        self._thread.start()

    def stop(self) -> None:
        """Probes no more."""
        self._stopping.set()
        self._thread.join(_INTERVAL_SECONDS * 2)

    def _probe(self) -> None:
        cluster = ClusterPing(self._options)
        while not self._stopping.is_set():
            reason = cluster.ping(_INTERVAL_SECONDS)
            if reason is None:
                self._readiness.met(CONDITION)
            else:
                self._readiness.unmet(
                    CONDITION, f"Kafka at {self._options[BOOTSTRAP_OPTION]} does not answer: {reason}"
                )
            self._stopping.wait(_INTERVAL_SECONDS)
