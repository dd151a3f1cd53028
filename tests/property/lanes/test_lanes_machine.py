"""The pure core under crashes, aborts, reordered results, marker gaps and rebalances; and unguarded."""

import sys
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from signalbox_runtime.kafka.broker import CommittedOffset
from signalbox_runtime.loops.lanes.progress import Progress
from signalbox_runtime.records import TopicPartition
from tests.property.lanes.machine import Group, Process

PARTITIONS = tuple(TopicPartition("actions.webhook", number) for number in range(2))
PROCESSES = 2
partitions = st.sampled_from(PARTITIONS)
numbers = st.integers(0, PROCESSES - 1)


class LanesMachine(RuleBasedStateMachine):
    progress: type[Progress] = Progress
    drains = True

    def __init__(self) -> None:
        super().__init__()
        self.group = Group(PARTITIONS, PROCESSES, self.progress)

    def busy(self, number: int) -> Process:
        return self.group.processes[number]

    @rule(
        name=partitions,
        keys=st.lists(st.sampled_from((b"a", b"b", b"c", b"d", b"e")), min_size=1, max_size=12),
        tenant=st.sampled_from(("acme", "globex")),
        destination=st.sampled_from(("", "erp", "crm")),
        gap=st.sampled_from((0, 0, 1, 2, 90)),
    )
    def append(
        self, name: TopicPartition, keys: list[bytes], tenant: str, destination: str, gap: int
    ) -> None:
        for key in keys:
            self.group.append(name, key, tenant, destination, gap=0)
        self.group.logs[name].end += gap

    @rule(name=partitions, count=st.integers(1, 15))
    def consume(self, name: TopicPartition, count: int) -> None:
        self.group.consume(name, count)
        self.group.start_all(self.group.owner[name])

    @rule(number=numbers, which=st.lists(st.integers(0, 9), min_size=1, max_size=6))
    def end_calls(self, number: int, which: list[int]) -> None:
        process = self.busy(number)
        for each in which:
            if process.running:
                self.group.end_call(process, each)
        self.group.start_all(process)

    @rule(number=numbers, aborts=st.sampled_from((False, False, True)))
    def commit(self, number: int, aborts: bool) -> None:
        self.group.commit(self.busy(number), aborts=aborts)
        self.group.start_all(self.busy(number))

    @rule(milliseconds=st.integers(1, 10))
    def wait(self, milliseconds: int) -> None:
        self.group.now_ms += milliseconds
        for process in self.group.processes:
            self.group.start_all(process)

    @rule(number=numbers)
    def crash(self, number: int) -> None:
        self.group.crash(number)

    @rule(name=partitions, to=numbers)
    def revoke(self, name: TopicPartition, to: int) -> None:
        if self.drains:
            self.group.drain(name)
        abandoned = {process: set(process.abandoned) for process in self.group.processes}
        self.group.let_go(name)
        for process, before in abandoned.items():
            # A drain that took place leaves nothing running; without one, this hides nothing.
            process.abandoned = before
        self.group.assign(name, self.busy(to))

    @rule(name=partitions, to=numbers)
    def lose(self, name: TopicPartition, to: int) -> None:
        """The session ended, or the drain's bound passed: calls go on here while another starts."""
        self.group.let_go(name)
        self.group.assign(name, self.busy(to))

    @invariant()
    def holds(self) -> None:
        self.group.check()

    def teardown(self) -> None:
        if sys.exception() is None:
            self.group.finish_everything()


class EpochUnchecked(Progress):
    def finish(self, name: TopicPartition, epoch: int, offset: int) -> bool:
        partition = self._partitions.get(name)
        return super().finish(name, partition.epoch if partition is not None else epoch, offset)


class WithoutMetadata(Progress):
    def offsets(self, names: Any) -> dict[TopicPartition, CommittedOffset]:
        return {name: CommittedOffset(at.offset) for name, at in super().offsets(names).items()}


class MetadataUnbounded(Progress):
    def _has_room(self, partition: Any, offset: int) -> bool:
        return bool(partition.is_open)


class LastPlusOne(Progress):
    """Takes what is finished as a count from the base on: wrong as soon as there is a gap or a hole."""

    def offsets(self, names: Any) -> dict[TopicPartition, CommittedOffset]:
        return {name: CommittedOffset(self._partitions[name].next_offset) for name in names}


class RestoredForgotten(Progress):
    def assign(self, offsets: Any) -> dict[TopicPartition, int]:
        return super().assign({name: CommittedOffset(at.offset) for name, at in offsets.items()})


LAWS = settings(max_examples=60, stateful_step_count=40, deadline=None)
BREAKS = settings(
    max_examples=1_000,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
)


def test_nothing_is_lost_doubled_or_overlapping() -> None:
    run_state_machine_as_test(LanesMachine, settings=LAWS)


@pytest.mark.parametrize(
    "broken",
    [EpochUnchecked, WithoutMetadata, MetadataUnbounded, LastPlusOne, RestoredForgotten],
    ids=lambda broken: broken.__name__,
)
def test_the_laws_notice_when_a_guard_is_taken_out(broken: type[Progress]) -> None:
    machine = type(f"Machine{broken.__name__}", (LanesMachine,), {"progress": broken})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=BREAKS)


def test_the_laws_notice_when_the_drain_is_taken_out() -> None:
    machine = type("MachineWithoutDrain", (LanesMachine,), {"drains": False})
    with pytest.raises(AssertionError, match="of its lane runs"):
        run_state_machine_as_test(machine, settings=BREAKS)
