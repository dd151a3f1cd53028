"""librdkafka's errors, sorted into this library's classes by what has to be done about them."""

from confluent_kafka import KafkaError, KafkaException

from signalbox_runtime.errors import (
    ClientFailed,
    KafkaFailure,
    KafkaUnavailable,
    OutcomeUnknown,
    TransactionAbortable,
)

_FENCED = frozenset(
    {
        KafkaError._FATAL,  # what a client answers to everything after a fatal error; its fatal() is False
        KafkaError._FENCED,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.FENCED_INSTANCE_ID,
    }
)


def error_of(exception: KafkaException) -> KafkaError:
    """The error inside an exception of librdkafka's Python client."""
    error = exception.args[0]
    assert isinstance(error, KafkaError)
    return error


def plain(doing: str, error: KafkaError) -> KafkaFailure:
    """The failure of a call outside a transaction."""
    if error.fatal() or error.code() in _FENCED:
        return ClientFailed(f"{doing}: {error.str()} ({error.name()})")
    return KafkaUnavailable(f"{doing}: {error.str()} ({error.name()})")


def transactional(doing: str, error: KafkaError) -> KafkaFailure:
    """The failure of a call that changes a transaction."""
    text = f"{doing}: {error.str()} ({error.name()})"
    if error.fatal() or error.code() in _FENCED or error.code() == KafkaError._STATE:
        return ClientFailed(text)
    if error.txn_requires_abort():
        return TransactionAbortable(text)
    if error.retriable() or error.code() == KafkaError._TIMED_OUT:
        return OutcomeUnknown(text)
    return TransactionAbortable(text)
