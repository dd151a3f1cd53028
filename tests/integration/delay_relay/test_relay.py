"""What waits on Kafka comes out once, in time, with key and headers, whenever the relay dies."""

import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalbox_embedded import jars
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_embedded.ports import free_ports
from signalbox_runtime.records import Inbound
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.waiting import eventually
from tests.declared_topics import apply_topics
from tests.integration.delay_relay.relay_process import RelayProcess, let_wait, waiting

EARLY_AT_MOST_MS = 1_000
"""A remainder shorter than the smallest bucket is let go."""


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A broker of this module's own: what other tests let wait would come to this relay too."""
    jars.fetch(jars.locked(), jars.cache_folder())
    with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder), ports=free_ports(2)) as kafka:
        apply_topics(kafka.bootstrap)
        yield kafka.bootstrap


@pytest.fixture
def stage(bootstrap: str) -> KafkaStage:
    return KafkaStage(bootstrap)


def arrived(stage: KafkaStage, target: str, count: int) -> list[Inbound]:
    """The records of `target`, once there are `count`."""
    eventually(lambda: len(stage.records(target)) >= count, f"{count} records on {target}")
    return stage.records(target)


def test_a_wait_goes_from_bucket_to_bucket_and_ends_in_time(
    stage: KafkaStage, bootstrap: str, tmp_path: Path
) -> None:
    target = stage.new_topic()
    with RelayProcess(bootstrap, tmp_path / "relay.log"):
        messages = waiting(target, "cascade", 20, seconds=12.5)
        let_wait(bootstrap, "delays.10s", messages)
        records = arrived(stage, target, len(messages))
    assert Counter(record.value for record in records) == Counter(message.payload for message in messages)
    assert {record.headers for record in records} == {(("traceparent", b"00-1"),)}
    assert {record.key for record in records} == {b"lane-%d" % number for number in range(20)}
    assert all(record.timestamp_ms >= messages[0].due_at_ms - EARLY_AT_MOST_MS for record in records)


def test_killed_around_its_commits_it_delivers_each_message_once(
    stage: KafkaStage, bootstrap: str, tmp_path: Path
) -> None:
    target = stage.new_topic()
    messages = waiting(target, "killed", 300, seconds=2)
    let_wait(bootstrap, "delays.1s", messages)
    for point in ("transform.before_produce", "transform.before_commit", "transform.after_commit"):
        with RelayProcess(bootstrap, tmp_path / "relay.log", f"{point}:kill:1") as relay:
            eventually(lambda: relay.process.poll() is not None, f"its death at {point}")
            assert relay.process.returncode == -signal.SIGKILL
        more = waiting(target, point, 20, seconds=1)
        messages += more
        let_wait(bootstrap, "delays.1s", more)
    with RelayProcess(bootstrap, tmp_path / "relay.log"):
        arrived(stage, target, len(messages))
        time.sleep(1)
        records = stage.records(target)
    assert Counter(record.value for record in records) == Counter(message.payload for message in messages)
