"""What stops a relay."""

from signalbox_runtime.errors import KafkaFailure, ServiceRefused


class PositionAhead(ServiceRefused):
    """Kafka says more rows were sent than the table ever had: the database is older than the topic."""


class RelayLogFailed(KafkaFailure):
    """Kafka did not take a batch, or it is unknown whether it did; the relay begins anew at its position."""
