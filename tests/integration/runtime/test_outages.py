"""Kafka goes away and comes back: services wait, say so, and go on where they were."""

import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox_embedded import jars
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_embedded.ports import free_ports
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.transform_suite import numbered, values, wait_for_values
from signalbox_runtime.testing.waiting import eventually
from tests.integration.runtime.copy_process import CopyProcess


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    """A broker of this test's own, to be killed."""
    jars.fetch(jars.locked(), jars.cache_folder())
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedKafka(Path(folder), ports=free_ports(2)) as broker,
    ):
        yield broker


def has_arrived(service: CopyProcess, stage: KafkaStage, target: str, count: int) -> bool:
    """Whether `count` records were copied; a service that ended is started again meanwhile."""
    # A broker that was away for longer than a transaction may last has fenced the producer by then.
    service.keep_up()
    return len(stage.records(target)) >= count


def test_a_broker_killed_and_started_again_loses_and_doubles_nothing(kafka: EmbeddedKafka) -> None:
    stage = KafkaStage(kafka.bootstrap)
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 2_000))
    (port,) = free_ports(1)
    with CopyProcess(kafka.bootstrap, group, source, target, port) as service:
        wait_for_values(stage, target, 200)
        kafka.processes[0].kill()
        kafka.processes[0].wait()
        eventually(lambda: "kafka" in (service.unmet() or {}), "/readyz to say that Kafka is away")
        reason = (service.unmet() or {})["kafka"]
        assert kafka.bootstrap in reason
        kafka.start()
        eventually(lambda: has_arrived(service, stage, target, 2_000), "every record")
        stage.send(source, 1, [b"last"])
        eventually(lambda: has_arrived(service, stage, target, 2_001), "a record sent after the outage")
        service.wait_ready()
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0
    assert values(stage, target) == Counter([*numbered("a", 2_000), b"last"])


def test_a_broker_that_stands_still_leaves_outcomes_unknown_and_nothing_wrong(kafka: EmbeddedKafka) -> None:
    stage = KafkaStage(kafka.bootstrap)
    source, target = stage.new_topic(1), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 600))
    (port,) = free_ports(1)
    # Six seconds of work: it is in the middle of it when the broker stops.
    with CopyProcess(kafka.bootstrap, group, source, target, port, record_seconds=0.01) as service:
        wait_for_values(stage, target, 50)
        kafka.processes[0].send_signal(signal.SIGSTOP)
        try:
            eventually(lambda: "consuming" in (service.unmet() or {}), "/readyz to say that it waits")
        finally:
            kafka.processes[0].send_signal(signal.SIGCONT)
        eventually(lambda: has_arrived(service, stage, target, 600), "every record")
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0
    assert values(stage, target) == Counter(numbered("a", 600))


def test_a_service_started_before_kafka_waits_for_it(kafka: EmbeddedKafka) -> None:
    stage = KafkaStage(kafka.bootstrap)
    source, target = stage.new_topic(1), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, [b"a"])
    kafka.stop()
    (port,) = free_ports(1)
    with CopyProcess(kafka.bootstrap, group, source, target, port) as service:
        eventually(lambda: "consuming" in (service.unmet() or {}), "/readyz to answer")
        assert service.process.poll() is None
        kafka.start()
        wait_for_values(stage, target, 1)
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0


def test_a_service_is_told_to_stop_while_kafka_is_away(kafka: EmbeddedKafka) -> None:
    stage = KafkaStage(kafka.bootstrap)
    source, target = stage.new_topic(1), stage.new_topic(1)
    group = stage.new_group([source])
    (port,) = free_ports(1)
    with CopyProcess(kafka.bootstrap, group, source, target, port) as service:
        service.wait_ready()
        kafka.processes[0].kill()
        kafka.processes[0].wait()
        eventually(lambda: "kafka" in (service.unmet() or {}), "/readyz to say that Kafka is away")
        service.send(signal.SIGTERM)
        assert service.exit_code() == 0
