"""Whose look-ups wait for whose. No name is resolved here."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from action_runner.adapters.resolver import REMEMBERED_MAX, TENANT_THREADS, Resolver
from action_runner.domain.target import Endpoint
from action_runner.errors import RefusedTarget, UnresolvedName


def endpoint(host: str) -> Endpoint:
    return Endpoint(host, 443, host)


class Names:
    """Answers for a resolver; names that begin with `hangs` take until `release`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Sequence[str] = ("93.184.216.34",)
        self._may_end = threading.Event()

    def look_up(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        if host.startswith("hangs"):
            self._may_end.wait()
        return self.answer

    def release(self) -> None:
        self._may_end.set()


async def test_names_of_one_tenant_that_hang_leave_threads_to_others() -> None:
    names = Names()
    resolver = Resolver(frozenset(), names.look_up)
    hanging = [
        asyncio.create_task(resolver.addresses("loud", endpoint(f"hangs{number}.example")))
        for number in range(300)
    ]
    await asyncio.sleep(0)
    try:
        assert await resolver.addresses("calm", endpoint("works.example")) == ("93.184.216.34",)
        assert len(names.asked) == TENANT_THREADS + 1
    finally:
        for task in hanging:
            task.cancel()
        names.release()
        resolver.close()


async def test_a_thread_is_taken_until_its_look_up_ends_whoever_gave_up() -> None:
    names = Names()
    resolver = Resolver(frozenset(), names.look_up)
    first = [
        asyncio.create_task(resolver.addresses("loud", endpoint(f"hangs{number}.example")))
        for number in range(TENANT_THREADS)
    ]
    await asyncio.sleep(0)
    for task in first:
        task.cancel()
    waiting = asyncio.create_task(resolver.addresses("loud", endpoint("later.example")))
    await asyncio.sleep(0)
    names.release()
    assert await waiting == ("93.184.216.34",)
    resolver.close()


async def test_an_answer_is_remembered_and_vetted_again_for_whom_it_is_used() -> None:
    names = Names()
    names.answer = ("10.0.0.1",)
    resolver = Resolver(frozenset(("open.example",)), names.look_up)
    for _ in range(3):
        assert await resolver.addresses("acme", endpoint("open.example")) == ("10.0.0.1",)
    with pytest.raises(RefusedTarget):
        await resolver.addresses("acme", Endpoint("open.example", 443, "Open.example"))
    assert names.asked == ["open.example"]
    resolver.close()


async def test_a_name_without_an_address_is_asked_for_again() -> None:
    names = Names()
    names.answer = ()
    resolver = Resolver(frozenset(), names.look_up)
    for _ in range(2):
        with pytest.raises(UnresolvedName):
            await resolver.addresses("acme", endpoint("none.example"))
    assert names.asked == ["none.example"] * 2
    resolver.close()


async def test_only_so_many_answers_are_remembered() -> None:
    names = Names()
    resolver = Resolver(frozenset(), names.look_up)
    for number in (*range(REMEMBERED_MAX + 1), 0):
        await resolver.addresses("acme", endpoint(f"host{number}.example"))
    assert names.asked.count("host0.example") == 2
    resolver.close()
