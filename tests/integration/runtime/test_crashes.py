"""A process that is killed or stopped with an open transaction leaves nothing half done."""

import signal
import time
from collections import Counter

import pytest

from signalbox_embedded.ports import free_ports
from signalbox_runtime.testing.kafka_stage import KafkaStage
from signalbox_runtime.testing.transform_suite import next_offsets, numbered, values, wait_for_values
from signalbox_runtime.testing.waiting import eventually
from tests.integration.runtime.copy_process import CopyProcess


@pytest.fixture(scope="module")
def stage(kafka_bootstrap: str) -> KafkaStage:
    return KafkaStage(kafka_bootstrap)


@pytest.mark.parametrize(
    "fault",
    [
        "transform.before_produce:kill:25",
        "transform.before_commit:kill:3",
        "transform.after_commit:kill:3",
    ],
)
def test_a_killed_process_is_continued_by_its_slot_at_once(
    stage: KafkaStage, kafka_bootstrap: str, fault: str
) -> None:
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 50))
    stage.send(source, 1, numbered("b", 50))
    port, other_port = free_ports(2)
    with CopyProcess(kafka_bootstrap, group, source, target, port, fault, static_membership="true") as killed:
        assert killed.exit_code() == -signal.SIGKILL
    assert len(stage.records(target)) < 100
    restarted_at = time.monotonic()
    with CopyProcess(kafka_bootstrap, group, source, target, other_port, static_membership="true") as again:
        wait_for_values(stage, target, 100)
        stall_seconds = time.monotonic() - restarted_at
        again.send(signal.SIGTERM)
        assert again.exit_code() == 0
    assert values(stage, target) == Counter(numbered("a", 50) + numbered("b", 50))
    assert set(next_offsets(stage, group, source).values()) == {50}
    print(f"{fault}: all done {stall_seconds:.1f} s after the restart")


@pytest.mark.parametrize("point", ["transform.before_produce", "transform.before_commit"])
def test_a_process_stopped_for_long_comes_back_without_harm(
    stage: KafkaStage, kafka_bootstrap: str, point: str
) -> None:
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 50))
    stage.send(source, 1, numbered("b", 50))
    port, other_port = free_ports(2)
    count = 15 if point == "transform.before_produce" else 2
    with CopyProcess(kafka_bootstrap, group, source, target, port, f"{point}:stop:{count}") as zombie:
        eventually(zombie.is_stopped, "the process stops itself")
        with CopyProcess(kafka_bootstrap, group, source, target, other_port, slot=1) as successor:
            wait_for_values(stage, target, 100)
            zombie.send(signal.SIGCONT)
            stage.send(source, 0, numbered("c", 20))
            stage.send(source, 1, numbered("d", 20))
            wait_for_values(stage, target, 140)
            successor.send(signal.SIGTERM)
            assert successor.exit_code() == 0
        stage.send(source, 1, [b"last"])
        # The stopped process either goes on as a member or ends, fenced; it does no harm.
        eventually(
            lambda: zombie.process.poll() is not None or len(stage.records(target)) == 141,
            "the stopped process goes on or ends",
        )
    counted = values(stage, target)
    assert max(counted.values()) == 1
    assert not set(numbered("a", 50) + numbered("b", 50) + numbered("c", 20) + numbered("d", 20)) - set(
        counted
    )


def test_a_missing_offset_ends_the_process_with_one_sentence(stage: KafkaStage, kafka_bootstrap: str) -> None:
    source, target = stage.new_topic(1), stage.new_topic(1)
    (port,) = free_ports(1)
    with CopyProcess(kafka_bootstrap, "group-without-offsets", source, target, port) as refused:
        assert refused.exit_code() == 78
        last_line = refused.output().strip().splitlines()[-1]
    assert last_line.startswith("group-without-offsets stops: Group group-without-offsets has no offset for")


def test_sigterm_in_the_middle_of_work_loses_and_doubles_nothing(
    stage: KafkaStage, kafka_bootstrap: str
) -> None:
    source, target = stage.new_topic(2), stage.new_topic(1)
    group = stage.new_group([source])
    stage.send(source, 0, numbered("a", 2_000))
    stage.send(source, 1, numbered("b", 2_000))
    for _ in range(2):
        done = len(stage.records(target))
        (port,) = free_ports(1)
        with CopyProcess(kafka_bootstrap, group, source, target, port) as stopped:
            wait_for_values(stage, target, done + 100)
            stopped.send(signal.SIGTERM)
            assert stopped.exit_code() == 0
    (port,) = free_ports(1)
    with CopyProcess(kafka_bootstrap, group, source, target, port):
        wait_for_values(stage, target, 4_000)
    assert values(stage, target) == Counter(numbered("a", 2_000) + numbered("b", 2_000))
