"""The asyncio side of the loop."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import pytest

from signalbox_runtime.clock import ManualClock
from signalbox_runtime.loops.lanes.executor import Executor
from signalbox_runtime.loops.lanes.handler import LaneLimits, Work
from signalbox_runtime.loops.lanes.handover import Handover, Prepared, Result, StillRunning
from signalbox_runtime.loops.lanes.progress import Delivery
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition
from tests.unit.lanes.builders import P0, inbound

ANSWER = Outbox((Outbound("out", b"k", b"v"),))
Execute = Callable[[Work[None]], Outbox | Coroutine[Any, Any, Outbox]]


class Scripted:
    """A handler that does what the test says."""

    def __init__(self, execute: Execute) -> None:
        self.execute = execute
        self.seen: list[str] = []
        self.preparation: Awaitable[None] | None = None
        self.destination_of: Callable[[Inbound], str] = lambda _record: "d"

    def assigned(self, starts: Mapping[TopicPartition, int]) -> Awaitable[None] | None:
        return self.preparation

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self.seen.append("revoked")

    def skipped(self, inbound: Inbound) -> None:
        self.seen.append(f"skipped {inbound.offset}")

    def tenant_of(self, inbound: Inbound) -> str:
        return (inbound.key or b"").partition(b"/")[0].decode()

    def accept(self, inbound: Inbound) -> Work[None]:
        self.seen.append(f"accepted {inbound.offset}")
        return Work(inbound, self.tenant_of(inbound), self.destination_of(inbound), None)

    def overflow(self, work: Work[None], wait_ms: int) -> Outbox:
        self.seen.append(f"overflow {work.inbound.offset}")
        return Outbox()


class Bench:
    """An executor, its clock, and what it hands over."""

    def __init__(self, execute: Execute, limits: LaneLimits | None = None) -> None:
        self.clock = ManualClock()
        self.handovers: deque[Handover] = deque()
        self.handler = Scripted(execute)
        self.executor: Executor[None] = Executor(
            self.handler, limits or LaneLimits(), self.clock, self.handovers
        )

    def deliver(self, *records: Inbound, is_finished: bool = False) -> None:
        self.executor.run(self.executor.deliver, [Delivery(each, 1, is_finished) for each in records])

    def results(self) -> list[tuple[int, bool]]:
        return [(each.offset, each.called) for each in self.handovers if isinstance(each, Result)]


async def test_an_outbox_is_a_result_at_once_and_no_call() -> None:
    bench = Bench(lambda _work: ANSWER)
    bench.deliver(inbound(1), inbound(2), inbound(3, b"other"))
    assert sorted(bench.results()) == [(1, False), (2, False), (3, False)]
    assert bench.handovers[0] == Result(P0, 1, 1, ANSWER, False, 0)


async def test_a_coroutine_keeps_its_lane_until_it_ends() -> None:
    async def call(work: Work[None]) -> Outbox:
        await gate.wait()
        return ANSWER

    gate = asyncio.Event()
    bench = Bench(call)
    bench.deliver(inbound(1), inbound(2))
    await asyncio.sleep(0)
    assert bench.results() == []
    gate.set()
    await asyncio.sleep(0.01)
    assert bench.results() == [(1, True), (2, True)]


async def test_finished_records_are_passed_on_in_order() -> None:
    bench = Bench(lambda _work: ANSWER)
    bench.deliver(inbound(1))
    bench.deliver(inbound(2), is_finished=True)
    bench.deliver(inbound(3))
    assert bench.handler.seen == ["accepted 1", "skipped 2", "accepted 3"]
    assert bench.results() == [(1, False), (3, False)]


async def test_a_partition_is_prepared_when_the_handler_is_ready() -> None:
    bench = Bench(lambda _work: ANSWER)
    bench.executor.run(bench.executor.assigned, {P0: 5}, {P0: 1})
    assert list(bench.handovers) == [Prepared({P0: 1})]
    ready = asyncio.Event()

    async def prepare() -> None:
        await ready.wait()

    bench.handler.preparation = prepare()
    bench.executor.run(bench.executor.assigned, {P0: 5}, {P0: 2})
    await asyncio.sleep(0)
    assert len(bench.handovers) == 1
    ready.set()
    await asyncio.sleep(0.01)
    assert bench.handovers[1] == Prepared({P0: 2})


async def test_a_revocation_answers_with_what_runs_and_drops_the_rest() -> None:
    async def call(work: Work[None]) -> Outbox:
        await gate.wait()
        return ANSWER

    gate = asyncio.Event()
    bench = Bench(call)
    bench.deliver(inbound(1), inbound(2))
    bench.executor.run(bench.executor.revoke, 7, frozenset({P0}))
    assert list(bench.handovers) == [StillRunning(7, ((P0, 1, 1),))]
    assert bench.handler.seen[-1] == "revoked"
    gate.set()
    await asyncio.sleep(0.01)
    assert bench.results() == [(1, True)]


async def test_no_call_starts_while_too_many_are_uncommitted() -> None:
    async def call(work: Work[None]) -> Outbox:
        return ANSWER

    bench = Bench(call, LaneLimits(uncommitted_max=2, uncommitted_young_max=1))
    bench.deliver(*(inbound(n, b"%d" % n) for n in range(10)))
    await asyncio.sleep(0.01)
    made = len(bench.results())
    assert 2 <= made <= 3
    bench.executor.run(bench.executor.settle, made)
    await asyncio.sleep(0.01)
    assert len(bench.results()) > made


async def test_calls_that_are_slow_to_answer_make_room_after_a_while_by_themselves() -> None:
    async def call(work: Work[None]) -> Outbox:
        started.append(work.inbound.offset)
        await asyncio.sleep(60)
        return ANSWER

    started: list[int] = []
    bench = Bench(call, LaneLimits(uncommitted_max=2, uncommitted_young_max=1, young_ms=20))
    bench.deliver(*(inbound(n, b"%d" % n) for n in range(10)))
    await asyncio.sleep(0.005)
    assert len(started) == 3
    bench.clock.advance(20)
    await asyncio.sleep(0.05)
    assert len(started) == 6
    bench.executor.end()


async def test_what_waits_for_a_hanging_destination_lets_others_pass() -> None:
    async def call(work: Work[None]) -> Outbox:
        if work.destination == "hangs":
            await asyncio.sleep(60)
        return ANSWER

    limits = LaneLimits(
        destination_in_flight_max=1, destination_queue_max=1, decoded_max=8, unanswered_ms=100
    )
    bench = Bench(call, limits)
    bench.handler.destination_of = lambda record: "d" if record.offset == 9 else "hangs"
    bench.deliver(*(inbound(n, b"acme/leads/%d" % n) for n in range(10)))
    assert bench.handler.seen == [f"accepted {n}" for n in range(4)]
    for _ in range(2):
        bench.clock.advance(100)
        bench.executor.run(bench.executor.tick)
    await asyncio.sleep(0.01)
    assert [each for each in bench.handler.seen if "overflow" in each] == ["overflow 2", "overflow 3"]
    for _ in range(4):
        bench.clock.advance(100)
        bench.executor.run(bench.executor.tick)
        await asyncio.sleep(0.01)
    assert (9, True) in bench.results()
    bench.executor.end()


async def test_a_tenants_many_records_do_not_hold_up_anothers_behind_them() -> None:
    bench = Bench(lambda _work: asyncio.sleep(60, ANSWER), LaneLimits(decoded_max=8))
    bench.deliver(*(inbound(n, b"loud/leads/%d" % n) for n in range(100)), inbound(100, b"calm/leads/1"))
    assert bench.handler.seen == [*(f"accepted {n}" for n in range(4)), "accepted 100"]
    bench.executor.end()


async def test_records_of_a_lane_that_wait_undecoded_keep_their_order() -> None:
    bench = Bench(lambda _work: ANSWER, LaneLimits(decoded_max=2))
    bench.deliver(*(inbound(n, b"acme/leads/%d" % (n % 3)) for n in range(20)))
    await asyncio.sleep(0.01)
    for key in range(3):
        mine = [offset for offset, _ in bench.results() if offset % 3 == key]
        assert mine == sorted(mine)
    assert len(bench.results()) == 20


async def test_a_revocation_forgets_what_waits_undecoded() -> None:
    bench = Bench(lambda _work: asyncio.sleep(60, ANSWER), LaneLimits(decoded_max=2))
    bench.deliver(*(inbound(n, b"acme/leads/%d" % n) for n in range(5)))
    bench.executor.run(bench.executor.revoke, 1, frozenset({P0}))
    bench.executor.run(bench.executor.tick)
    assert bench.handler.seen == ["accepted 0", "revoked"]
    bench.executor.end()


async def test_an_exception_of_the_handler_ends_everything() -> None:
    async def call(work: Work[None]) -> Outbox:
        raise ZeroDivisionError

    bench = Bench(call)
    bench.deliver(inbound(1))
    with pytest.raises(ZeroDivisionError):
        await bench.executor.ended
    bench.deliver(inbound(2, b"other"))
    assert bench.results() == []
    assert bench.handler.seen == ["accepted 1"]


async def test_before_an_exception_ends_everything_the_calls_that_run_hand_over_their_results() -> None:
    async def call(work: Work[None]) -> Outbox:
        if work.inbound.offset == 2:
            raise ZeroDivisionError
        await gate.wait()
        return ANSWER

    gate = asyncio.Event()
    bench = Bench(call)
    bench.deliver(inbound(1), inbound(3), inbound(2, b"other"))
    await asyncio.sleep(0.01)
    assert not bench.executor.ended.done()
    bench.deliver(inbound(4, b"third"))
    bench.executor.run(bench.executor.revoke, 7, frozenset((P0,)))
    assert bench.handovers[-1] == StillRunning(7, ((P0, 1, 1), (P0, 1, 2)))  # 2: it has no result
    gate.set()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(bench.executor.ended, 1)
    assert bench.results() == [(1, True)]
    assert "accepted 4" not in bench.handler.seen


async def test_an_exception_does_not_wait_for_ever_for_a_call() -> None:
    async def call(work: Work[None]) -> Outbox:
        if work.inbound.offset == 2:
            raise ZeroDivisionError
        await asyncio.sleep(60)
        return ANSWER

    bench = Bench(call, LaneLimits(drain_seconds=0.05))
    bench.deliver(inbound(1), inbound(2, b"other"))
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(bench.executor.ended, 1)
    bench.executor.run(bench.executor.end)


async def test_a_call_that_cancels_itself_is_a_failure_and_not_a_lost_record() -> None:
    async def call(work: Work[None]) -> Outbox:
        raise asyncio.CancelledError

    bench = Bench(call)
    bench.deliver(inbound(1))
    with pytest.raises(RuntimeError, match="cancelled by itself"):
        await bench.executor.ended


async def test_the_end_cancels_calls_without_results() -> None:
    async def call(work: Work[None]) -> Outbox:
        await asyncio.sleep(60)
        return ANSWER

    bench = Bench(call)
    bench.deliver(inbound(1))
    await asyncio.sleep(0)
    bench.executor.run(bench.executor.end)
    await asyncio.sleep(0.01)
    assert bench.results() == []
    assert bench.executor.ended.result() is None
