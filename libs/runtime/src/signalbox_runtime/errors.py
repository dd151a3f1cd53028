"""What can go wrong between a service and its surroundings, sorted by what has to be done about it."""


class RuntimeFailure(Exception):
    """Base of everything this library raises on purpose; the message says what, where, and what to do."""


class ServiceRefused(RuntimeFailure):
    """A person has to change something first: the process ends with one sentence and exit code 78."""


class OffsetMissing(ServiceRefused):
    """A partition has no committed offset, or one that the topic no longer holds."""


class UndecodableInternalMessage(ServiceRefused):
    """A message of our own that this release can't read: a bad deployment. Its offset is kept."""


class KafkaFailure(RuntimeFailure):
    """Base of what a call to Kafka ends in."""


class KafkaUnavailable(KafkaFailure):
    """No broker answered in time, and nothing was changed: wait and try again."""


class TransactionAbortable(KafkaFailure):
    """The transaction can't be committed: abort it and go on from before it."""


class OutcomeUnknown(KafkaFailure):
    """A transactional call did not answer: destroy the producer, initialise a new one with the same id."""


class ClientFailed(KafkaFailure):
    """Fenced by a successor or failed for good: the process ends and is started again."""


class TopicAdminError(RuntimeFailure):
    """The cluster refused a look at its topics and groups, or a change of them."""
