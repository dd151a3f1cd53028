"""Apache Kafka on this machine: one broker, or three, in KRaft mode, each a process of its own.

Raises throughout: EmbeddedError, whose message is for the person at the terminal.
"""

import base64
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from signalbox_embedded import jars, process
from signalbox_embedded.errors import EmbeddedError, ProcessEndedError
from signalbox_embedded.java import java_executable
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
_START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 4.0
# The last of several can't hand over: the controllers' majority is gone, and it would wait minutes for one.
STOP_TIMEOUT_LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker (and controller): its number from 1, its folder and its two ports."""

    number: int
    folder: Path
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def plan_brokers(data: Path, count: int, ports: tuple[int, ...]) -> tuple[Broker, ...]:
    """`count` brokers under `data`; `ports` are all clients' ports, then all controllers'."""
    return tuple(
        Broker(number + 1, data / f"broker-{number + 1}", ports[number], ports[count + number])
        for number in range(count)
    )


def broker_settings(broker: Broker, brokers: tuple[Broker, ...]) -> Mapping[str, str]:
    """The broker's whole configuration where it differs from Kafka's defaults."""
    copies = str(len(brokers))
    in_sync = "2" if len(brokers) > 1 else "1"
    return {
        "process.roles": "broker,controller",
        "node.id": str(broker.number),
        "controller.quorum.voters": ",".join(f"{b.number}@127.0.0.1:{b.controller_port}" for b in brokers),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{broker.address},CONTROLLER://127.0.0.1:{broker.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{broker.address}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(broker.folder / "log"),
        # topics
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        # An idle group's offsets expire after a week by default, and a month of mail would be sent again.
        "offsets.retention.minutes": "5256000",
        # A crash with an open transaction hides later records until the broker aborts it; the default scan
        # of 10 s adds to that.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        # A killed broker is missed for as long as its session lives.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        # small machine
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "16777216",
    }


def server_properties(settings: Mapping[str, str]) -> str:
    """The settings as a Java properties file."""
    return "".join(f"{name}={value.replace(chr(92), chr(92) * 2)}\n" for name, value in settings.items())


def prepare(brokers: tuple[Broker, ...], cache: Path) -> tuple[process.Command, ...]:
    """Write each broker's files, format new storage, and say how to start it."""
    java, classpath = java_executable(), jars.classpath(jars.locked(), cache)
    try:
        _write_files(brokers)
    except OSError as error:
        raise EmbeddedError(f"can't write {brokers[0].folder.parent}: {error.strerror or error}") from error
    _format((str(java), "-cp", classpath, *_JVM), brokers)
    return tuple(
        process.Command(
            program=(
                str(java), "-cp", classpath, *_JVM,
                f"-Dlog4j2.configurationFile={broker.folder / 'log4j2.properties'}",
                "kafka.Kafka", str(broker.folder / "server.properties"),
            ),
            log=broker.folder / "console.log",
            stop_signal=signal.SIGTERM,
        )
        for broker in brokers
    )  # fmt: skip


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
    return len(found.brokers) == len(brokers) and found.cluster_id == _cluster_id(brokers[0])


def stop_timeout_seconds(broker: Broker, brokers: tuple[Broker, ...]) -> float:
    """How long to wait for a broker's clean stop when brokers are stopped in order."""
    last_of_several = len(brokers) > 1 and broker == brokers[-1]
    return STOP_TIMEOUT_LAST_SECONDS if last_of_several else STOP_TIMEOUT_SECONDS


def bootstrap_of(brokers: tuple[Broker, ...]) -> str:
    return ",".join(broker.address for broker in brokers)


def _write_files(brokers: tuple[Broker, ...]) -> None:
    for broker in brokers:
        broker.folder.mkdir(parents=True, exist_ok=True)
        (broker.folder / "server.properties").write_text(
            server_properties(broker_settings(broker, brokers)), encoding="utf-8"
        )
        (broker.folder / "log4j2.properties").write_text(
            _log4j(broker.folder / "broker.log"), encoding="utf-8"
        )


def _log4j(log: Path) -> str:
    return f"""\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {log}
appender.file.filePattern = {log}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}} %p %c{{1}} %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


def _meta_properties(broker: Broker) -> Path:
    """The file that Kafka writes last when it formats storage."""
    return broker.folder / "log" / "meta.properties"


def _cluster_id(broker: Broker) -> str | None:
    lines = _meta_properties(broker).read_text(encoding="utf-8").splitlines()
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
             "--config", str(broker.folder / "server.properties")),
            capture_output=True, text=True, check=False, timeout=_START_TIMEOUT_SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            raise EmbeddedError(
                f"Kafka could not format {broker.folder / 'log'}: {done.stderr.strip()[-2000:]}"
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
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not is_ready(self.brokers):
            self._raise_if_ended()
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(
                    f"Kafka was not ready after {_START_TIMEOUT_SECONDS} s; see {self._logs()}"
                )
            time.sleep(0.05)

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
