"""Processes of one group on real Kafka: started, killed, counted; and what their journal must show."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Producer

from signalbox_runtime.testing.kafka_stage import KafkaStage

PARTITIONS = 4
LANES = 300
DESTINATIONS = 2
WAIT_SECONDS = 180
REPEATED_MAX = 100 + 50 * DESTINATIONS
"""What a crash may repeat: at a call's start fewer than 100 are answered and not committed, and at most
50 run to each destination (LaneLimits)."""


class Call(NamedTuple):
    """One line B, with its E if there is one."""

    pid: int
    partition: int
    offset: int
    key: str
    began_ns: int
    ended_ns: int | None


@dataclass
class Crew:
    """A topic with records, and the processes that work on them."""

    bootstrap: str
    folder: Path
    without: str = ""
    stage: KafkaStage = field(init=False)
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    """Of every process there was."""
    killed_ns: dict[int, int] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        self.stage = KafkaStage(self.bootstrap)
        self.topic = self.stage.new_topic(PARTITIONS)
        self.output = self.stage.new_topic(1)
        self.group = self.stage.new_group([self.topic])
        self.journal = self.folder / "journal"
        self.journal.touch()

    @contextmanager
    def feeding(self, chance: random.Random, milliseconds: tuple[int, int]) -> Iterator[None]:
        """Sends about 600 records a second meanwhile, so that processes may come and go at their own pace."""
        ends = threading.Event()
        thread = threading.Thread(target=self._feed, args=(ends, chance, milliseconds))
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()

    def send_one_to_each_partition(self, milliseconds: int) -> None:
        """A record for each partition, whose call takes that long."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for partition in range(PARTITIONS):
            producer.produce(self.topic, f"d0 {milliseconds}", f"acme/leads/{partition}", partition)
        assert producer.flush(WAIT_SECONDS) == 0
        self.sent += PARTITIONS

    def _feed(self, ends: threading.Event, chance: random.Random, milliseconds: tuple[int, int]) -> None:
        """Transactions of random size, one in ten aborted: offsets have gaps. One call in 200 is slow."""
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "transactional.id": self.topic, "linger.ms": 5}
        )
        producer.init_transactions(10)
        while not ends.wait(0.05):
            producer.begin_transaction()
            size = chance.choice((1, 5, 50, 64))
            for _ in range(size):
                lane = chance.randrange(LANES)
                waits = 400 if chance.random() < 0.005 else chance.randint(*milliseconds)
                value = f"d{chance.randrange(DESTINATIONS)} {waits}"
                producer.produce(self.topic, value, f"acme/leads/{lane}", lane % PARTITIONS)
            if chance.random() < 0.1:
                producer.abort_transaction(10)
            else:
                producer.commit_transaction(10)
                self.sent += size

    def start(self, slot: int, *, static: bool, fault: str = "") -> None:
        environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "SIGNALBOX_LOG_LEVEL": "warning",
            "SIGNALBOX_FAULT": fault,
            "LANES_TEST_SLOT": str(slot),
            "LANES_TEST_STATIC_MEMBERSHIP": str(static).lower(),
            "LANES_TEST_TOPIC": self.topic,
            "LANES_TEST_OUTPUT": self.output,
            "LANES_TEST_GROUP": self.group,
            "LANES_TEST_JOURNAL": str(self.journal),
            "LANES_TEST_WITHOUT": self.without,
        }
        log = (self.folder / f"slot-{slot}.log").open("ab")
        with log:
            self.processes[slot] = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("worker.py"))],
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.slots[self.processes[slot].pid] = slot

    def kill(self, slot: int) -> None:
        """As a power cut would: nothing is drained, nothing is said."""
        process = self.processes.pop(slot)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.killed_ns[process.pid] = time.monotonic_ns()

    def wait_until_it_kills_itself(self, slot: int) -> None:
        """Returns once a fault has ended the process as `kill` would."""
        process = self.processes.pop(slot)
        assert process.wait(WAIT_SECONDS) == -signal.SIGKILL
        self.killed_ns[process.pid] = time.monotonic_ns()

    def pause(self, slot: int) -> None:
        """It stands still, as in a long garbage collection or on a sleeping machine."""
        self.processes[slot].send_signal(signal.SIGSTOP)

    def go_on(self, slot: int) -> None:
        """It goes on, and does not know that time has passed."""
        self.processes[slot].send_signal(signal.SIGCONT)

    def stop(self, slot: int) -> int:
        """As a supervisor would. Returns the exit code."""
        process = self.processes.pop(slot)
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def stop_all(self) -> None:
        for slot in tuple(self.processes):
            process = self.processes.pop(slot)
            process.kill()
            process.wait()

    def facts(self) -> Counter[tuple[int, int]]:
        """How often each record's result was committed."""
        values = [(record.value or b"").split() for record in self.stage.records(self.output)]
        return Counter((int(partition), int(offset)) for partition, offset in values)

    def wait_for_calls(self, slot: int, count: int) -> None:
        """Returns once this process has begun so many calls."""
        give_up_at = time.monotonic() + WAIT_SECONDS
        line = f"B {self.processes[slot].pid} ".encode()
        while self.journal.read_bytes().count(line) < count:
            self._check_alive(give_up_at, f"slot {slot} has begun {count} calls")
            time.sleep(0.05)

    def wait_for_facts(self) -> None:
        """Returns once every record that was sent has a fact."""
        give_up_at = time.monotonic() + WAIT_SECONDS
        while len(self.facts()) < self.sent:
            self._check_alive(give_up_at, f"{self.sent} records have facts; {len(self.facts())} do")
            time.sleep(0.3)

    def _check_alive(self, give_up_at: float, what: str) -> None:
        assert time.monotonic() < give_up_at, f"not within {WAIT_SECONDS} s: {what}"
        for slot, process in self.processes.items():
            assert process.poll() is None, (
                f"slot {slot} ended: {(self.folder / f'slot-{slot}.log').read_text()[-2000:]}"
            )

    def has_lost(self, pid: int) -> bool:
        """Whether the process was told that its partitions are no longer its own.

        That happens to who stands still for too long, on a machine under load too.
        """
        return b'"lost"' in (self.folder / f"slot-{self.slots[pid]}.log").read_bytes()

    def calls(self) -> list[Call]:
        """Every call, in the order in which they began."""
        begun: dict[tuple[int, int, int], list[Call]] = defaultdict(list)
        for line in self.journal.read_text().splitlines():
            what, pid, partition, offset, key, at = line.split()
            place = (int(pid), int(partition), int(offset))
            if what == "B":
                begun[place].append(Call(*place, key, int(at), None))
            elif what == "E":
                begun[place][-1] = begun[place][-1]._replace(ended_ns=int(at))
        return sorted((call for calls in begun.values() for call in calls), key=lambda call: call.began_ns)

    def skipped(self) -> int:
        """How many finished records were met again and left alone."""
        return sum(line.startswith("S ") for line in self.journal.read_text().splitlines())


def check_lanes(crew: Crew) -> None:
    """No two calls of a lane at once, in whichever process; first attempts in offset order."""
    last_of_lane: dict[tuple[int, str], Call] = {}
    first_attempts: dict[tuple[int, str], list[int]] = defaultdict(list)
    for call in crew.calls():
        lane = (call.partition, call.key)
        before = last_of_lane.get(lane)
        if before is not None:
            ended_ns = before.ended_ns or crew.killed_ns.get(before.pid)
            assert ended_ns is not None, f"{before} never ended"
            assert ended_ns <= call.began_ns, f"{call} began while {before} ran"
        last_of_lane[lane] = call
        if call.offset not in first_attempts[lane]:
            first_attempts[lane].append(call.offset)
    for lane, offsets in first_attempts.items():
        assert offsets == sorted(offsets), f"{lane} did not start in order: {offsets}"


def repeated_by_process(crew: Crew) -> dict[int, tuple[int, int]]:
    """By process: how many calls were made again on its account, and how many of these had an answer.

    That is whose call was made again; or who made it again, if that one had lost the partition: a process
    that stood still begins a few calls before it is told so.
    """
    lost = {pid for pid in crew.slots if crew.has_lost(pid)}
    attempts: dict[tuple[int, int], list[Call]] = defaultdict(list)
    for call in crew.calls():
        attempts[call.partition, call.offset].append(call)
    repeated: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    for calls in attempts.values():
        for call, again in pairwise(calls):
            is_excused = call.pid in lost or call.pid in crew.killed_ns
            pid = again.pid if again.pid in lost and not is_excused else call.pid
            repeated[pid] += 1
            answered[pid] += call.ended_ns is not None
    return {pid: (count, answered[pid]) for pid, count in repeated.items()}


def check_repeats(crew: Crew) -> None:
    """Only a kill and a loss repeat calls, and no more than the bound."""
    for pid, (count, answered) in repeated_by_process(crew).items():
        assert pid in crew.killed_ns or crew.has_lost(pid), (
            f"{pid} was not killed, and {count} of its calls were made again"
        )
        assert count <= REPEATED_MAX, f"{count} calls of {pid} were made again, {answered} of them answered"


def check_facts(crew: Crew) -> None:
    """Nothing lost, nothing doubled."""
    facts = crew.facts()
    doubled = {place: times for place, times in facts.items() if times > 1}
    assert not doubled, f"{len(doubled)} records have more than one fact, e.g. {next(iter(doubled))}"
    assert len(facts) == crew.sent
