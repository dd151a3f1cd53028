"""What may start, and when it may not: lanes, destinations, tenants, and results not yet committed.

Pure: no Kafka, no asyncio, no clock. It lives on the asyncio thread. One record runs per lane, in offset
order; of the heads of the lanes, tenants and destinations take turns. The bounds are `LaneLimits`.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection
from typing import Generic, TypeAlias, TypeVar

import msgspec

from signalbox_runtime.loops.lanes.fair_queue import FairQueue
from signalbox_runtime.loops.lanes.handler import LaneLimits, Work
from signalbox_runtime.loops.lanes.places import Places
from signalbox_runtime.loops.lanes.turns import Turns
from signalbox_runtime.records import TopicPartition

Content = TypeVar("Content")
Name = TypeVar("Name")
LaneKey: TypeAlias = bytes | None

NO_DESTINATION = ""
"""The destination of work that calls nobody: no bound applies to it but its lane."""


class Entry(msgspec.Struct, Generic[Content], frozen=True, gc=False):
    """Work that waits or runs. `epoch` is that of its partition's assignment."""

    work: Work[Content]
    epoch: int


class Start(msgspec.Struct, Generic[Content], frozen=True, gc=False):
    """Execute it now; `Schedule.ended` when that is over."""

    entry: Entry[Content]


class Overflow(msgspec.Struct, Generic[Content], frozen=True, gc=False):
    """Its destination does not answer: let it be delayed. It is over with that.

    `wait_ms` is when its turn comes, at the rate at which the destination answers.
    """

    entry: Entry[Content]
    wait_ms: int


class Later(msgspec.Struct, frozen=True, gc=False):
    """Ask again at this time, if nothing ends and nothing is committed before."""

    at_ms: int


Decision: TypeAlias = Start[Content] | Overflow[Content] | Later


class Schedule(Generic[Content]):
    """Everything accepted and not over, by lane."""

    def __init__(self, limits: LaneLimits) -> None:
        self._limits = limits
        self._lanes: dict[tuple[str, int], dict[LaneKey, _Lane[Content]]] = {}
        """By topic and partition, plain: a tuple with names takes six times as long to make."""
        self._quiet: deque[_Lane[Content]] = deque()
        self._calling: FairQueue[_Lane[Content]] = FairQueue()
        self._in_flight = 0
        self._places: Places[_Lane[Content]] = Places(limits)
        self._now_ms = 0
        """As of the last `next`."""
        self._in_flight_of: Counter[str] = Counter()
        self._uncommitted = 0
        self._young: dict[_Lane[Content], int] = {}
        """Lanes whose call began so lately that its answer may come before the next commit, and when."""
        self._heads_at: Counter[tuple[str, str]] = Counter()
        """Lanes whose head waits, by tenant and destination."""
        self._crowded: set[tuple[str, str]] = set()
        self._excess: deque[_Lane[Content]] = deque()
        """Lanes whose head is to overflow, the oldest first."""
        self._turns = Turns()
        self._held_of: Counter[str] = Counter()
        self._held = 0

    @property
    def in_flight(self) -> int:
        """How many run."""
        return self._in_flight

    @property
    def uncommitted(self) -> int:
        """Calls that were made and are not committed."""
        return self._uncommitted

    @property
    def waiting(self) -> int:
        """How many have not started."""
        return self._held - self._in_flight

    def has_room(self, tenant_id: str) -> bool:
        """Whether one more record of the tenant may be decoded."""
        if self._held >= self._limits.decoded_max:
            return False
        # One share more than there are tenants: a newcomer finds room at once.
        tenants = len(self._held_of) + (tenant_id not in self._held_of)
        share = self._limits.decoded_max // (tenants + 1)
        return tenant_id not in self._held_of or self._held_of[tenant_id] < max(1, share)

    def relieve(self, has_more: Callable[[str], bool], now_ms: int) -> None:
        """Lets records overflow that wait for a destination which does not answer.

        Only of tenants that have as many decoded as they may, and more that they can't reach (`has_more`):
        other records of theirs stand behind those. The first `destination_queue_max` of each stay.
        """
        for tenant_id, destination in tuple(self._crowded):
            if not self._places.is_unresponsive(destination, now_ms):
                continue
            if self.has_room(tenant_id) or not has_more(tenant_id):
                continue
            keep = self._limits.destination_queue_max
            for lane in self._calling.take_beyond(tenant_id, destination, keep):
                self._head_left(tenant_id, destination)
                self._excess.append(lane)

    def offer(self, entry: Entry[Content]) -> None:
        """Adds work behind what its lane has."""
        inbound = entry.work.inbound
        lanes = self._lanes.setdefault((inbound.topic, inbound.partition), {})
        lane = lanes.get(inbound.key)
        if lane is None:
            lane = lanes[inbound.key] = _Lane()
        self._held_of[entry.work.tenant_id] += 1
        self._held += 1
        lane.waiting.append(entry)
        if lane.running is None and len(lane.waiting) == 1:
            self._push(lane)

    def next(self, now_ms: int) -> Decision[Content] | None:
        """What to do now; None: nothing before something ends, is committed, or a second passes."""
        self._now_ms = now_ms
        if self._excess:
            entry = self._run(self._excess.popleft())
            destination = entry.work.destination
            ms_per_answer = self._places.ms_per_answer(destination, now_ms)
            return Overflow(entry, self._turns.next(destination, ms_per_answer, now_ms))
        if self._in_flight >= self._limits.in_flight_max:
            return None
        if self._quiet:
            return Start(self._run(self._quiet.popleft()))
        if self._uncommitted >= self._limits.uncommitted_max:
            return None
        wait = self._wait_for_answers(now_ms)
        if wait is not None:
            return wait
        lane = self._calling.pop(self._has_share, self._places.is_open)
        if lane is None:
            return None
        work = lane.waiting[0].work
        self._head_left(work.tenant_id, work.destination)
        self._young[lane] = now_ms
        self._places.take(work.tenant_id, work.destination, lane, now_ms)
        lane.has_place = True
        return Start(self._run(lane))

    def ended(self, entry: Entry[Content], *, called: bool) -> None:
        """Its execution is over. `called`: it may have had an effect outside that a crash would repeat."""
        work = entry.work
        self._in_flight -= 1
        self._uncommitted += called
        _decrease(self._in_flight_of, work.tenant_id)
        _decrease(self._held_of, work.tenant_id)
        self._held -= 1
        name = (work.inbound.topic, work.inbound.partition)
        lanes = self._lanes[name]
        lane = lanes[work.inbound.key]
        if lane.has_place:
            lane.has_place = False
            self._places.give_back(work.tenant_id, work.destination, lane, self._now_ms)
            self._calling.reopen(work.destination)
        lane.running = None
        self._young.pop(lane, None)
        if lane.waiting:
            self._push(lane)
        else:
            del lanes[work.inbound.key]
            if not lanes:
                del self._lanes[name]

    def settled(self, calls: int) -> None:
        """Results of so many calls were committed, or dropped with their partition."""
        self._uncommitted -= calls

    def drop(self, names: Collection[TopicPartition]) -> list[Entry[Content]]:
        """Forgets what waits of these partitions; returns what runs of them."""
        running: list[Entry[Content]] = []
        withdrawn: set[_Lane[Content]] = set()
        for name in names:
            lanes = self._lanes.get(name, {})
            for key, lane in tuple(lanes.items()):
                for entry in lane.waiting:
                    _decrease(self._held_of, entry.work.tenant_id)
                self._held -= len(lane.waiting)
                if lane.running is None:
                    withdrawn.add(lane)
                    del lanes[key]
                else:
                    running.append(lane.running)
                    lane.waiting.clear()
            if not lanes:
                self._lanes.pop(name, None)
        self._withdraw(withdrawn)
        return running

    def _push(self, lane: "_Lane[Content]") -> None:
        work = lane.waiting[0].work
        if work.destination == NO_DESTINATION:
            self._quiet.append(lane)
            return
        pair = (work.tenant_id, work.destination)
        self._calling.push(*pair, lane)
        self._heads_at[pair] += 1
        if self._heads_at[pair] > self._limits.destination_queue_max:
            self._crowded.add(pair)

    def _withdraw(self, lanes: "set[_Lane[Content]]") -> None:
        self._quiet = deque(lane for lane in self._quiet if lane not in lanes)
        left_already = lanes.intersection(self._excess)
        self._excess = deque(lane for lane in self._excess if lane not in lanes)
        together: dict[tuple[str, str], set[_Lane[Content]]] = {}
        for lane in lanes - left_already:
            work = lane.waiting[0].work
            if work.destination != NO_DESTINATION:
                together.setdefault((work.tenant_id, work.destination), set()).add(lane)
                self._head_left(work.tenant_id, work.destination)
        for (tenant_id, destination), these in together.items():
            self._calling.remove(tenant_id, destination, these)

    def _run(self, lane: "_Lane[Content]") -> Entry[Content]:
        entry = lane.running = lane.waiting.popleft()
        self._in_flight += 1
        self._in_flight_of[entry.work.tenant_id] += 1
        return entry

    def _head_left(self, tenant_id: str, destination: str) -> None:
        pair = (tenant_id, destination)
        _decrease(self._heads_at, pair)
        if self._heads_at[pair] <= self._limits.destination_queue_max:
            self._crowded.discard(pair)

    def _has_share(self, tenant_id: str) -> bool:
        # One share more than there are tenants: a newcomer finds room at once.
        share = self._limits.in_flight_max // (len(self._held_of) + 1)
        return self._in_flight_of[tenant_id] < max(1, share)

    def _wait_for_answers(self, now_ms: int) -> Later | None:
        """Calls just begun count as if they were made: else a burst of them would pass every bound."""
        young = self._young
        room = self._limits.uncommitted_max + self._limits.uncommitted_young_max - self._uncommitted
        while young:
            lane = next(iter(young))
            old_at_ms = young[lane] + self._limits.young_ms
            if old_at_ms > now_ms:
                return None if len(young) < room else Later(old_at_ms)
            del young[lane]
        return None


class _Lane(Generic[Content]):
    """The records of one key of one partition, in offset order."""

    __slots__ = ("has_place", "running", "waiting")

    def __init__(self) -> None:
        self.has_place = False
        """Whether what runs has a place of its destination."""
        self.waiting: deque[Entry[Content]] = deque()
        self.running: Entry[Content] | None = None


def _decrease(counter: Counter[Name], name: Name) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
