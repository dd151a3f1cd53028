"""The shell of a service's process: logs, health, signals, watchdog, threads and exit codes.

`main` runs on the main thread, which has no event loop: it looks at `Service.stopping` between two polls.
Whoever needs asyncio runs it on a thread of its own (`Service.start_thread`).
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Generic, TypeVar

import structlog
from pydantic import ValidationError

from signalbox_runtime.clock import Clock, SystemClock
from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.kafka.broker import Kafka
from signalbox_runtime.kafka.broker_probe import BrokerProbe
from signalbox_runtime.kafka.clients import ConfluentBrokers, ConfluentKafka
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION, checked
from signalbox_runtime.process import logs
from signalbox_runtime.process.health_server import HealthServer
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.process.settings import ServiceSettings, SharedSettings, kafka_options
from signalbox_runtime.process.watchdog import Watchdog

STARTING = "starting"
"""The condition that is unmet from the process's first moment, before its own conditions are known."""
EXIT_CLEAN = 0
EXIT_FAILED = 1
EXIT_REFUSED = 78
"""A person has to change something first (EX_CONFIG of sysexits.h)."""
_JOIN_SECONDS = 10.0
_STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

S = TypeVar("S", bound=ServiceSettings)
log = structlog.get_logger()


class Service(Generic[S]):
    """What a service's `main` gets. `stopping` is set by SIGTERM, SIGINT, `stop`, or a thread that failed."""

    def __init__(self, name: str, settings: S, shared: SharedSettings, clock: Clock) -> None:
        self.name = name
        self.settings = settings
        self.shared = shared
        self.clock = clock
        self.readiness = Readiness()
        self.watchdog = Watchdog(clock)
        self.stopping = threading.Event()
        self.failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._on_stop: list[Callable[[], None]] = []

    @property
    def slot_id(self) -> str:
        """`<name>-<slot>`: the transactional id. Two processes must never share it."""
        return f"{self.name}-{self.settings.slot}"

    @property
    def instance_id(self) -> str | None:
        """The group.instance.id, where static membership is switched on."""
        return self.slot_id if self.settings.static_membership else None

    @cached_property
    def kafka(self) -> Kafka:
        """Makes Kafka clients with the options of the environment. Raises ServiceRefused without brokers."""
        return ConfluentKafka(kafka_options(), client_id=self.slot_id)

    def stop(self, reason: str) -> None:
        """Asks everything to end. May be called from any thread, and again."""
        if self.stopping.is_set():
            return
        log.info("stopping", reason=reason)
        self.stopping.set()
        for callback in self._on_stop:
            callback()

    def started(self) -> None:
        """From here on the other conditions tell whether the service is ready. The loops and APIs call it."""
        self.readiness.met(STARTING)

    def on_stop(self, callback: Callable[[], None]) -> None:
        """`callback` is called once when the service is asked to end, on the thread that asks."""
        self._on_stop.append(callback)
        if self.stopping.is_set():
            callback()

    def start_thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        """Runs `target` beside `main`; it returns soon after `stopping` is set. If it fails, all ends."""
        thread = threading.Thread(target=self._guarded, args=(name, target), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def join_threads(self) -> None:
        """Waits for the threads, 10 s each at most."""
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                log.error("thread did not end", thread=thread.name, waited_seconds=_JOIN_SECONDS)

    def _guarded(self, name: str, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:  # noqa: BLE001, a thread's failure is the process's
            self.failures.append(error)
            self.stop(f"thread {name} failed: {error}")


def run_service(name: str, settings: Callable[[], S], main: Callable[[Service[S]], None]) -> int:
    """Runs a service until it is told to stop, and returns the process's exit code.

    `settings` is called to read the environment. `main` blocks until `service.stopping` is set.
    """
    # Before the first thread, which inherits it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        options = kafka_options()
        if BOOTSTRAP_OPTION in options:
            checked(options)
        service = Service(name, settings(), SharedSettings(), SystemClock())
        logs.configure(name, service.settings.slot, service.shared.log_level)
        service.readiness.unmet(STARTING, f"{name} is starting.")
        health = HealthServer(service.settings.metrics_host, service.settings.metrics_port, service.readiness)
    except (ValidationError, ServiceRefused) as error:
        sys.stderr.write(f"{name} can't start: {error}\n")
        return EXIT_REFUSED
    health.start()
    _stop_on_signals(service)
    service.watchdog.start()
    probe = _broker_probe(service, options)
    if probe is not None:
        probe.start()
    log.info("started", pid=os.getpid(), metrics_port=health.port)
    try:
        main(service)
    except BaseException as error:  # noqa: BLE001, turned into the exit code below
        service.failures.insert(0, error)
        service.stop(f"{type(error).__name__}: {error}")
    else:
        service.stop("the work is done")
    service.join_threads()
    if probe is not None:
        probe.stop()
    service.watchdog.stop()
    health.stop()
    return _exit_code(name, service.failures)


def _stop_on_signals(service: Service[S]) -> None:
    """Waits for SIGTERM and SIGINT on a thread of its own; they are blocked for all others.

    A handler would run between any two steps of the main thread: inside a log line, or inside the lock of
    the very event it wants to set.
    """

    def wait() -> None:
        while True:
            service.stop(signal.Signals(signal.sigwait(_STOP_SIGNALS)).name)

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _broker_probe(service: Service[S], options: Mapping[str, str]) -> BrokerProbe | None:
    if BOOTSTRAP_OPTION not in options:
        return None

    def refuse(refused: ServiceRefused) -> None:
        service.failures.append(refused)
        service.stop(str(refused))

    return BrokerProbe(
        lambda: ConfluentBrokers(options), options[BOOTSTRAP_OPTION], service.readiness, refuse
    )


def _exit_code(name: str, failures: list[BaseException]) -> int:
    for failure in failures:
        if isinstance(failure, ServiceRefused):
            log.error("refused", reason=str(failure))
            sys.stderr.write(f"{name} stops: {failure}\n")
        else:
            log.error("failed", exc_info=failure)
    if any(isinstance(failure, ServiceRefused) for failure in failures):
        return EXIT_REFUSED
    log.info("ended", failed=bool(failures))
    return EXIT_FAILED if failures else EXIT_CLEAN
