"""Java's ahead-of-time cache of Kafka's classes, made once per machine from one start of a broker."""

import signal
import tempfile
import time
from pathlib import Path

from signalbox_embedded import process
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.java import start_cache_file
from signalbox_embedded.kafka import (
    START_TIMEOUT_SECONDS,
    broker_command,
    is_ready,
    java_with_classpath,
    write_and_format,
)
from signalbox_embedded.kafka_settings import plan_brokers
from signalbox_embedded.ports import free_ports

_LEARN_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.05


def lacks_start_cache(cache: Path) -> bool:
    """Whether making one would help: this Java can, and has not yet."""
    java = java_with_classpath(cache)
    start_cache = start_cache_file(Path(java[0]), java, cache)
    return start_cache is not None and not start_cache.is_file()


def make_start_cache(cache: Path) -> None:
    """Let Java learn from one start of a broker how to start it quickly; nothing if that was done before.

    Takes 10 s and 68 MB. Java looks itself whether a cache fits, and starts without one that doesn't.
    """
    java = java_with_classpath(cache)
    start_cache = start_cache_file(Path(java[0]), java, cache)
    if start_cache is None or start_cache.is_file():
        return
    try:
        start_cache.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"can't write {start_cache.parent}: {error.strerror or error}") from error
    with tempfile.TemporaryDirectory(dir=start_cache.parent, prefix=".learning-") as folder:
        brokers = plan_brokers(Path(folder), 1, free_ports(2))
        write_and_format(brokers, java)
        learnt = Path(folder) / "start.aot"
        command = broker_command(brokers[0], (*java, f"-XX:AOTCacheOutput={learnt}"))
        learner = process.start(command)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while learner.poll() is None and not is_ready(brokers) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        if not process.stop(learner, signal.SIGTERM, _LEARN_TIMEOUT_SECONDS) or not learnt.is_file():
            raise EmbeddedError(f"Java learnt no quick start of Kafka: {process.log_end(command.log, 3)}")
        learnt.replace(start_cache)
