"""Apache Kafka on this machine: one broker, or three, in KRaft mode, each a process of its own.

Raises throughout: EmbeddedError, whose message is for the person at the terminal.
"""

import base64
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from signalbox_embedded import jars, process
from signalbox_embedded.errors import EmbeddedError, ProcessEndedError
from signalbox_embedded.java import java_executable, start_cache_file
from signalbox_embedded.kafka_settings import (
    LOG_FOLDER,
    Broker,
    bootstrap_of,
    broker_settings,
    log4j_properties,
    plan_brokers,
    server_properties,
    stop_timeout_seconds,
)
from signalbox_embedded.ports import free_ports, is_listening

HEAP_MIB = 384
_JVM = (
    f"-Xmx{HEAP_MIB}m",
    "-XX:+UseSerialGC",
    # Measured: at our rates no slower than the full compiler, and it takes less memory.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)
START_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.05
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}  # in the plain C locale Java can't name a folder beyond ASCII


def prepare(brokers: tuple[Broker, ...], cache: Path) -> tuple[process.Command, ...]:
    """Write each broker's files, format new storage, and say how to start it."""
    java = java_with_classpath(cache)
    write_and_format(brokers, java)
    start_cache = start_cache_file(Path(java[0]), java, cache)
    # Java warns of parts of the cache that it makes anew; that is no news to a reader of the log.
    use_cache = (f"-XX:AOTCache={start_cache}", "-Xlog:disable", "-Xlog:all=error:stderr")
    quick = use_cache if start_cache and start_cache.is_file() else ()
    return tuple(broker_command(broker, (*java, *quick)) for broker in brokers)


def java_with_classpath(cache: Path) -> tuple[str, ...]:
    """Java's command line for any of Kafka's programs.

    Raises: EmbeddedError for a wrong JAVA_HOME, and for jars that are missing or not the locked ones.
    """
    return (str(java_executable()), "-cp", jars.classpath(jars.locked(), cache), *_JVM)


def broker_command(broker: Broker, java: tuple[str, ...]) -> process.Command:
    """How to start a broker whose files are written."""
    return process.Command(
        program=(
            *java,
            "-Dlog4j2.configurationFile=log4j2.properties",
            "kafka.Kafka",
            "server.properties",
        ),
        log=broker.folder / "console.log",
        environment=_ENVIRONMENT,
        folder=broker.folder,
        stop_signal=signal.SIGTERM,
    )


def write_and_format(brokers: tuple[Broker, ...], java: tuple[str, ...]) -> None:
    """Write the brokers' settings, and format storage that is new."""
    try:
        _write_files(brokers)
    except OSError as error:
        raise EmbeddedError(f"can't write {brokers[0].folder.parent}: {error.strerror or error}") from error
    _format(java, brokers)


def is_ready(brokers: tuple[Broker, ...]) -> bool:
    """Whether every broker answers and is known to the cluster, and the cluster is ours.

    Another program on one of the ports, even another Kafka, is not taken for it.
    """
    if not all(is_listening(broker.port) for broker in brokers):
        return False
    admin = AdminClient({"bootstrap.servers": bootstrap_of(brokers), "log_level": 0})
    try:
        found = admin.list_topics(timeout=2)
    except KafkaException:
        return False
    ours = _cluster_id(brokers[0])
    return len(found.brokers) == len(brokers) and ours is not None and found.cluster_id == ours


def _write_files(brokers: tuple[Broker, ...]) -> None:
    for broker in brokers:
        broker.folder.mkdir(parents=True, exist_ok=True)
        (broker.folder / "server.properties").write_text(
            server_properties(broker_settings(broker, brokers)), encoding="utf-8"
        )
        (broker.folder / "log4j2.properties").write_text(log4j_properties(), encoding="utf-8")


def _meta_properties(broker: Broker) -> Path:
    """The file that Kafka writes last when it formats storage."""
    return broker.folder / LOG_FOLDER / "meta.properties"


def _cluster_id(broker: Broker) -> str | None:
    try:
        lines = _meta_properties(broker).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def _format(java: tuple[str, ...], brokers: tuple[Broker, ...]) -> None:
    """Give new storage its cluster id; all brokers of a cluster get the same one."""
    new = [broker for broker in brokers if not _meta_properties(broker).exists()]
    if not new:
        return
    if len(new) < len(brokers) or (brokers[0].folder.parent / f"broker-{len(brokers) + 1}").exists():
        raise EmbeddedError(
            f"{brokers[0].folder.parent} was made for another number of brokers than {len(brokers)}; "
            "start with the number it was made with, or with another data folder"
        )
    # The prefix keeps the random id from starting with '-', which the tool takes for an option.
    cluster_id = "s" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    for broker in new:
        done = subprocess.run(
            (*java, "kafka.tools.StorageTool", "format", "--cluster-id", cluster_id,
             "--config", "server.properties"),
            cwd=broker.folder, env={**os.environ, **_ENVIRONMENT},
            capture_output=True, text=True, check=False, timeout=START_TIMEOUT_SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            raise EmbeddedError(
                f"Kafka could not format {broker.folder / LOG_FOLDER}: {done.stderr.strip()[-2000:]}"
            )


class EmbeddedKafka:
    """A Kafka cluster for tests and tools: `with EmbeddedKafka(folder) as kafka: … kafka.bootstrap`.

    `data` is kept, so a second start finds the same topics. Nothing restarts it when it dies (the supervisor
    restarts its own). It ends with the thread that started it.
    """

    def __init__(
        self, data: Path, *, brokers: int = 1, ports: tuple[int, ...] | None = None, cache: Path | None = None
    ) -> None:
        self.brokers = plan_brokers(data.absolute(), brokers, ports or free_ports(2 * brokers))
        self._cache = cache or jars.cache_folder()
        self._commands: tuple[process.Command, ...] = ()
        self.processes: tuple[subprocess.Popen[bytes], ...] = ()

    @property
    def bootstrap(self) -> str:
        """`host:port` of every broker, joined by commas."""
        return bootstrap_of(self.brokers)

    def start(self) -> None:
        """Start and wait until every broker answers. Downloads nothing: `jars.fetch` does."""
        self._commands = prepare(self.brokers, self._cache)
        self.processes = tuple(process.start(command) for command in self._commands)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not is_ready(self.brokers):
            self._raise_if_ended()
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(
                    f"Kafka was not ready after {START_TIMEOUT_SECONDS} s; see {self._logs()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop one broker after another, so that each can hand its partitions over."""
        for broker, broker_process in zip(self.brokers, self.processes, strict=True):
            process.stop(broker_process, signal.SIGTERM, stop_timeout_seconds(broker, self.brokers))
        self.processes = ()

    def _raise_if_ended(self) -> None:
        for command, broker_process in zip(self._commands, self.processes, strict=True):
            if broker_process.poll() is not None:
                self.stop()
                raise ProcessEndedError(f"Kafka ended while starting: {process.log_end(command.log)}")

    def _logs(self) -> str:
        return ", ".join(str(broker.folder / "broker.log") for broker in self.brokers)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
