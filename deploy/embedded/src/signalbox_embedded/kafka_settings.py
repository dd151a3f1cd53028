"""What each embedded broker is told: addresses, settings, what to log. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOG_FOLDER = "log"
"""Where a broker keeps its records. Paths are relative to the broker's folder, in which it runs: Kafka splits
this setting at commas, and a properties file knows only Latin-1."""
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
        "log.dirs": LOG_FOLDER,
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
    """The settings as a Java properties file; they are plain ASCII."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def stop_timeout_seconds(broker: Broker, brokers: tuple[Broker, ...]) -> float:
    """How long to wait for a broker's clean stop when brokers are stopped in order."""
    last_of_several = len(brokers) > 1 and broker == brokers[-1]
    return STOP_TIMEOUT_LAST_SECONDS if last_of_several else STOP_TIMEOUT_SECONDS


def bootstrap_of(brokers: tuple[Broker, ...]) -> str:
    return ",".join(broker.address for broker in brokers)


def log4j_properties() -> str:
    """What the broker writes down: one file of 10 MB and three older ones; errors also to its console."""
    return """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = broker.log
appender.file.filePattern = broker.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %p %c{1} %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_OUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %p %c{1} %m%n%ex{3}
appender.console.filter.threshold.type = ThresholdFilter
appender.console.filter.threshold.level = error
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
rootLogger.appenderRef.console.ref = console
"""
