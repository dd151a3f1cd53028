"""A group of processes with the pure core of the lanes loop, on a model of a broker that loses nothing.

Every process here is Progress + Schedule, wired as the two threads wire them. The model knows the truth:
which records exist, which facts were committed, which calls run where. The rules break things; the
invariants say what must hold all the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from signalbox_runtime.kafka.broker import CommittedOffset
from signalbox_runtime.loops.lanes import finished_offsets
from signalbox_runtime.loops.lanes.handler import LaneLimits, Work
from signalbox_runtime.loops.lanes.progress import Progress
from signalbox_runtime.loops.lanes.schedule import Entry, Later, Overflow, Schedule
from signalbox_runtime.records import Inbound, TopicPartition

LIMITS = LaneLimits(
    in_flight_max=6,
    destination_in_flight_max=2,
    uncommitted_max=4,
    uncommitted_young_max=1,
    young_ms=2,
    destination_queue_max=2,
    decoded_max=8,
    unanswered_ms=3,
    metadata_max_bytes=24,  # 17 bytes of payload: the bound is met all the time
    transaction_results_max=3,
)
Place = tuple[TopicPartition, int]
Ticket = tuple[TopicPartition, int, int]
"""Partition, epoch, offset."""
Made = tuple[Ticket, Entry[None], bool]
"""A result: of which call, of what, and whether anybody was called."""


@dataclass
class Log:
    """One partition. Offsets between records are transaction markers."""

    records: list[Inbound] = field(default_factory=list)
    end: int = 0
    committed: CommittedOffset = field(default_factory=lambda: CommittedOffset(0))


@dataclass(eq=False)
class Process:
    """One member of the group."""

    progress: Progress
    schedule: Schedule[None]
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    running: dict[Ticket, Entry[None]] = field(default_factory=dict)
    begun: dict[Ticket, int] = field(default_factory=dict)
    results: list[Made] = field(default_factory=list)
    batch: list[Made] = field(default_factory=list)
    abandoned: set[Ticket] = field(default_factory=set)
    """Calls that still ran when their partition had to be given up: they may overlap with a successor's."""


class Group:
    """The broker's truth, and the processes."""

    def __init__(
        self, partitions: Iterable[TopicPartition], processes: int, progress: type[Progress] = Progress
    ) -> None:
        self.progress_class = progress
        self.logs = {name: Log() for name in partitions}
        self.facts: dict[Place, int] = {}
        self.processes = [self._new_process() for _ in range(processes)]
        self.owner: dict[TopicPartition, Process] = {}
        self.now_ms = 0
        self.metadata_seen = 0
        for name in self.logs:
            self.assign(name, self.processes[0])

    def _new_process(self) -> Process:
        return Process(self.progress_class(LIMITS.metadata_max_bytes), Schedule(LIMITS))

    # --- what happens ------------------------------------------------------------------------------

    def append(self, name: TopicPartition, key: bytes, tenant: str, destination: str, gap: int) -> None:
        log = self.logs[name]
        offset = log.end
        value = f"{tenant} {destination}".strip().encode()
        log.records.append(
            Inbound(
                topic=name.topic,
                partition=name.partition,
                offset=offset,
                timestamp_ms=0,
                key=key,
                value=value,
            )
        )
        log.end = offset + 1 + gap

    def consume(self, name: TopicPartition, count: int) -> None:
        process = self.owner[name]
        if name in process.progress.closed():
            deliveries = process.progress.release()
        else:
            position = process.positions[name]
            records = [record for record in self.logs[name].records if record.offset >= position][:count]
            if not records:
                return
            process.positions[name] = records[-1].offset + 1
            deliveries = process.progress.receive(records)
        for delivery in deliveries:
            inbound = delivery.inbound
            place = (TopicPartition(inbound.topic, inbound.partition), inbound.offset)
            if delivery.is_finished:
                assert place in self.facts, f"{place} is skipped, but nothing of it was committed"
                continue
            assert inbound.value is not None
            tenant, _, destination = inbound.value.decode().partition(" ")
            process.schedule.offer(Entry(Work(inbound, tenant, destination, None), delivery.epoch))

    def start_all(self, process: Process) -> None:
        process.schedule.relieve(lambda _tenant: True, self.now_ms)
        while (decision := process.schedule.next(self.now_ms)) is not None:
            if isinstance(decision, Later):
                assert self.now_ms < decision.at_ms <= self.now_ms + LIMITS.young_ms
                return
            entry = decision.entry
            ticket = ticket_of(entry)
            if isinstance(decision, Overflow):
                process.schedule.ended(entry, called=False)
                process.results.append((ticket, entry, False))
                continue
            self.check_start(process, entry)
            process.running[ticket] = entry

    def check_start(self, process: Process, entry: Entry[None]) -> None:
        inbound, destination = entry.work.inbound, entry.work.destination
        name, _epoch, offset = ticket_of(entry)
        for other in self.processes:
            for ticket, running in other.running.items():
                if ticket in other.abandoned and other is not process:
                    continue
                same_lane = ticket[0] == name and running.work.inbound.key == inbound.key
                assert not same_lane, f"{name} {offset} starts while {ticket} of its lane runs"
        earlier = [
            record.offset
            for record in self.logs[name].records
            if record.key == inbound.key
            and record.offset < offset
            and (name, record.offset) not in self.facts
        ]
        made = {ticket[2] for ticket, _entry, _called in process.results + process.batch if ticket[0] == name}
        assert set(earlier) <= made, f"{name} {offset} starts before {set(earlier) - made} of its lane"
        if destination:
            here = [one for one in process.running.values() if one.work.destination == destination]
            assert len(here) < LIMITS.destination_in_flight_max
            unsettled = [one for _, one, called in process.results + process.batch if called]
            assert len(unsettled) < LIMITS.uncommitted_max
            begun = [at for at in process.begun.values() if self.now_ms - at < LIMITS.young_ms]
            assert len(unsettled) + len(begun) < LIMITS.uncommitted_max + LIMITS.uncommitted_young_max
            process.begun[ticket_of(entry)] = self.now_ms

    def end_call(self, process: Process, number: int) -> None:
        ticket = sorted(process.running)[number % len(process.running)]
        entry = process.running.pop(ticket)
        process.abandoned.discard(ticket)
        process.begun.pop(ticket, None)
        called = entry.work.destination != ""
        process.schedule.ended(entry, called=called)
        process.results.append((ticket, entry, called))

    def commit(self, process: Process, *, aborts: bool) -> None:
        if not process.batch:
            process.batch = process.results[: LIMITS.transaction_results_max]
            del process.results[: LIMITS.transaction_results_max]
        counted: list[Made] = []
        dropped: list[Made] = []
        for result in process.batch:
            (counted if process.progress.finish(*result[0]) else dropped).append(result)
        process.batch = counted
        process.schedule.settled(sum(called for _, _, called in dropped))
        if not counted or aborts:
            return
        # The broker does not fence per partition: whatever is sent is taken.
        offsets = process.progress.offsets(
            {ticket[0] for ticket, _entry, _called in counted if ticket[0] in self.logs}
        )
        for name, committed in offsets.items():
            assert len(committed.metadata) <= LIMITS.metadata_max_bytes
            self.metadata_seen += bool(committed.metadata)
            self.logs[name].committed = committed
        for (name, _epoch, offset), _entry, _called in counted:
            self.facts[name, offset] = self.facts.get((name, offset), 0) + 1
        process.schedule.settled(sum(called for _, _, called in counted))
        process.batch = []

    def assign(self, name: TopicPartition, process: Process) -> None:
        committed = self.logs[name].committed
        process.progress.open(process.progress.assign({name: committed}))
        process.positions[name] = committed.offset
        self.owner[name] = process

    def let_go(self, name: TopicPartition) -> None:
        """Without a drain: calls go on, and what they answer must not count."""
        process = self.owner.pop(name)
        process.abandoned |= {ticket_of(entry) for entry in process.schedule.drop({name})}
        process.progress.remove({name})

    def drain(self, name: TopicPartition) -> None:
        """What `LaneLoop.revoked` does within its bound."""
        process = self.owner[name]
        process.schedule.drop({name})
        for ticket in sorted(process.running):
            if ticket[0] == name:
                self.end_call(process, sorted(process.running).index(ticket))
        while process.results or process.batch:
            self.commit(process, aborts=False)

    def crash(self, number: int) -> None:
        dead = self.processes[number]
        self.processes[number] = self._new_process()
        for name, process in tuple(self.owner.items()):
            if process is dead:
                self.assign(name, self.processes[number])

    # --- what must hold ----------------------------------------------------------------------------

    def check(self) -> None:
        assert all(count == 1 for count in self.facts.values()), "a fact was committed twice"
        for name, log in self.logs.items():
            ranges = finished_offsets.decode(log.committed.offset, log.committed.metadata)
            listed = {
                record.offset
                for record in log.records
                if record.offset < log.committed.offset or any(record.offset in run for run in ranges)
            }
            facts = {offset for place, offset in self.facts if place == name}
            assert listed == facts, f"{name}: the committed state says {listed}, committed is {facts}"

    def finish_everything(self) -> None:
        """Nothing may be stuck for good."""
        rounds = 0
        while len(self.facts) < sum(len(log.records) for log in self.logs.values()):
            rounds += 1
            assert rounds < 2_000, "some record is never finished"
            self.now_ms += 1
            for name in self.logs:
                if name not in self.owner:
                    self.assign(name, self.processes[0])
                self.consume(name, 10)
            for process in self.processes:
                self.start_all(process)
                while process.running:
                    self.end_call(process, rounds)
                self.commit(process, aborts=False)
        self.check()


def ticket_of(entry: Entry[None]) -> Ticket:
    inbound = entry.work.inbound
    return TopicPartition(inbound.topic, inbound.partition), entry.epoch, inbound.offset
