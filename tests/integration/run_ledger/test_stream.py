"""Changes as they are told: after they can be read, to their tenant alone, and never holding anybody up."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from run_ledger.adapters.reading.changes import Changes, Closed, Everything
from run_ledger.routes.stream_routes import _events
from tests.integration.run_ledger.ledger import Ledger, open_ledger
from tests.unit.run_ledger import facts

REFRESH = b"event: refresh\nid: refresh\ndata: {}\n\n"


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with open_ledger(database_url) as opened:
        yield opened


async def test_a_run_is_told_of_when_it_can_be_read(ledger: Ledger) -> None:
    changes: Changes = ledger.app.state.changes
    stop = asyncio.Event()
    listening = asyncio.create_task(changes.listen(stop))
    events = _events(ledger.app.state.runs, ledger.app.state.summaries, changes, "demo", again=False)
    other = _events(ledger.app.state.runs, ledger.app.state.summaries, changes, "other", again=False)
    assert await anext(events) == b": connected\n\n"
    assert await anext(other) == b": connected\n\n"
    assert await anext(events) == REFRESH  # it began to listen after we came
    await asyncio.to_thread(ledger.tell, [facts.judged(facts.started(), facts.skipped())])
    told = await asyncio.wait_for(anext(events), 10)
    assert told.startswith(b"event: run\nid: " + facts.run_id().encode() + b"\ndata: {")
    assert facts.run_id().encode() in told
    stop.set()
    await listening
    assert [event async for event in events] == []
    assert [event async for event in other] == [REFRESH]


async def test_who_connects_again_is_told_to_read_anew(ledger: Ledger) -> None:
    again = _events(
        ledger.app.state.runs, ledger.app.state.summaries, ledger.app.state.changes, "demo", again=True
    )
    assert [await anext(again), await anext(again)] == [b": connected\n\n", REFRESH]
    path = next(route for route in ledger.app.openapi()["paths"]["/v1/stream"]["get"]["parameters"])
    assert (path["in"], path["name"]) == ("header", "last-event-id")


async def test_more_than_fits_is_told_as_a_refresh(ledger: Ledger) -> None:
    changes: Changes = ledger.app.state.changes
    stop = asyncio.Event()
    with changes.of("demo") as queue:
        listening = asyncio.create_task(changes.listen(stop))
        assert isinstance(await queue.get(), Everything)
        many = [
            facts.judged(facts.started("wf-1", f"evt-{number}"), source=facts.event(f"evt-{number}"))
            for number in range(3_001)
        ]
        await asyncio.to_thread(ledger.tell, many[:1_500])
        got = [await asyncio.wait_for(queue.get(), 10) for _ in range(10)]
        assert sum(len(change) for change in got if isinstance(change, list)) == 1_500
        await asyncio.to_thread(ledger.tell, many[1_500:])
        assert isinstance(await asyncio.wait_for(queue.get(), 10), Everything)
        stop.set()
        await listening
        assert isinstance(await queue.get(), Closed)


def test_a_slow_reader_loses_the_list_and_is_told_so() -> None:
    changes = Changes("")
    with changes.of("demo") as queue:
        for number in range(250):
            changes._tell("demo", [str(number)])
        got = [queue.get_nowait() for _ in range(queue.qsize())]
    assert isinstance(got[0], Everything)
    assert got[-1] == ["249"]
