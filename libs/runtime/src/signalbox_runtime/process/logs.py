"""JSON logs on standard output, one object a line, with tenant, run, event and place where there is one.

What is logged is named here or at the call; record data, bodies and secrets never are.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog

from signalbox_runtime.records import Inbound

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
HIDDEN_KEYS = ("secret", "password", "authorization", "api_key", "token", "cookie")
"""A value under a key that contains one of these is never written."""
_inbound: ContextVar[Inbound | None] = ContextVar("inbound", default=None)


_exceptions = structlog.processors.ExceptionRenderer(
    # Without the frames' variables: they hold records, tokens and secrets.
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure(service: str, slot: int, level: str) -> None:
    """Sends the logs of structlog and of the standard library to standard output as JSON."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_place,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service, slot),
        hide_secrets,
    ]
    number = LEVELS[level]
    structlog.configure(
        processors=[
            *shared,
            _exceptions,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exceptions,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(number, logging.INFO))
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request, with all of its URL


def handling(inbound: Inbound | None) -> None:
    """From now on, what this thread or task logs carries the record's place; None: no longer.

    For loops: it costs a tenth of a microsecond, where `about` costs five.
    """
    _inbound.set(inbound)


@contextmanager
def about(inbound: Inbound) -> Iterator[None]:
    """What is logged inside carries the record's place, `topic-partition@offset`."""
    before = _inbound.set(inbound)
    try:
        yield
    finally:
        _inbound.reset(before)


@contextmanager
def bound(tenant: str | None = None, run: str | None = None, event: str | None = None) -> Iterator[None]:
    """What is logged inside carries the ids that are given, as `tenant`, `run` and `event_id`."""
    given = {"tenant": tenant, "run": run, "event_id": event}
    with structlog.contextvars.bound_contextvars(
        **{name: value for name, value in given.items() if value is not None}
    ):
        yield


def add_place(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Adds the place of the record that is handled."""
    inbound = _inbound.get()
    if inbound is not None:
        entry.setdefault("place", inbound.place)
    return entry


def hide_secrets(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replaces values whose key says that they are secret."""
    for key in entry:
        if any(hidden in key.lower() for hidden in HIDDEN_KEYS):
            entry[key] = "(hidden)"
    return entry


def _named(service: str, slot: int) -> structlog.types.Processor:
    def name(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["service"] = service
        entry["slot"] = slot
        return entry

    return name
