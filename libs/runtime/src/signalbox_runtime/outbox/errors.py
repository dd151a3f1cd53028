"""What stops a relay."""


class OutboxError(RuntimeError):
    """The outbox can't be sent; the text says why and what to do."""


class PositionAhead(OutboxError):
    """Kafka says more rows were sent than the table ever had: the database is older than the topic."""


class RelayLogFailed(OutboxError):
    """Kafka did not take a batch, or it is unknown whether it did; the relay begins anew at its position."""
