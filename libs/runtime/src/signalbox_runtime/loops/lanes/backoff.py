"""How long to wait after something went wrong, and what /readyz says meanwhile."""

from signalbox_runtime.process.readiness import CONSUMING_CONDITION, Readiness

FIRST_SECONDS = 0.02
"""After an abort, which mostly is a rebalance that needs a few polls."""
MAX_SECONDS = 0.5


class Backoff:
    """Doubles with every failure until something goes well."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness
        self.seconds = FIRST_SECONDS

    def aborted(self) -> None:
        """A transaction was aborted: nothing that people have to know."""
        self.seconds = min(2 * self.seconds, MAX_SECONDS)

    def failed(self, reason: str) -> None:
        """Kafka does not answer."""
        self._readiness.unmet(CONSUMING_CONDITION, reason)
        self.aborted()

    def succeeded(self) -> None:
        """It works."""
        self._readiness.met(CONSUMING_CONDITION)
        self.seconds = FIRST_SECONDS
