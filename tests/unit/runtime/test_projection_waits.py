"""A projection whose database is away waits: it stores the batch later, and the watchdog leaves it alone."""

import threading
from collections.abc import Collection, Sequence

import pytest

from signalbox_runtime.clock import SystemClock
from signalbox_runtime.process import Service
from signalbox_runtime.projection import DatabaseAway, run_projection
from signalbox_runtime.records import Inbound, TopicPartition
from signalbox_runtime.settings import ServiceSettings, SharedSettings
from signalbox_runtime.testing.stage import FakeStage, wait_until
from signalbox_runtime.watchdog import Heart


class CountedHeart(Heart):
    """Counts its beats."""

    beats = 0

    def beat(self) -> None:
        self.beats += 1
        super().beat()


class AwayAtFirst:
    """A database that is away until `is_back` is set."""

    def __init__(self) -> None:
        self.is_back = threading.Event()
        self.stored: list[bytes | None] = []

    def claim(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    def prepare(self, batch: Sequence[Inbound]) -> Sequence[Inbound]:
        return batch

    def store(self, batch: Sequence[Inbound]) -> None:
        if not self.is_back.is_set():
            raise DatabaseAway("PostgreSQL does not answer")
        self.stored += [inbound.value for inbound in batch]


def test_it_shows_life_while_it_waits_and_then_stores_what_it_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = FakeStage()
    source = stage.new_topic(1)
    stage.send(source, 0, [b"fact"])
    service = Service("run-ledger", ServiceSettings(), SharedSettings(), SystemClock())
    service.kafka = stage.kafka
    heart = CountedHeart("projection", 60, service.clock)
    monkeypatch.setattr(service.watchdog, "heart", lambda _name: heart)
    database = AwayAtFirst()
    thread = threading.Thread(target=run_projection, args=(service, [source], database))
    thread.start()
    wait_until(lambda: not service.readiness.is_ready, "the database's absence to be said")
    beats = heart.beats
    wait_until(lambda: heart.beats > beats, "a beat while the database is away")
    assert service.readiness.reasons() == {"database": "PostgreSQL does not answer"}
    database.is_back.set()
    wait_until(lambda: database.stored == [b"fact"], "the batch that was held")
    assert service.readiness.is_ready
    service.stop("the test is over")
    thread.join(10)
    assert not thread.is_alive()
