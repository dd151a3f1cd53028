"""A projection whose database is away waits, and then goes on where the database says."""

import threading
from collections.abc import Collection, Sequence

import pytest

from signalbox_runtime.clock import SystemClock
from signalbox_runtime.loops.projection import DatabaseAway, run_projection
from signalbox_runtime.process.settings import ServiceSettings, SharedSettings
from signalbox_runtime.process.shell import Service
from signalbox_runtime.process.watchdog import Heart
from signalbox_runtime.records import Inbound, TopicPartition
from signalbox_runtime.testing.stage import FakeStage
from signalbox_runtime.testing.waiting import eventually


class CountedHeart(Heart):
    """Counts its beats."""

    beats = 0

    def beat(self) -> None:
        self.beats += 1
        super().beat()


class AwayAtFirst:
    """A database that goes away after the first claim, until `is_back` is set."""

    def __init__(self) -> None:
        self.is_back = threading.Event()
        self.is_claimed = False
        self.stored: list[bytes | None] = []

    def claim(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        if self.is_claimed and not self.is_back.is_set():
            raise DatabaseAway("PostgreSQL does not answer")
        self.is_claimed = True
        return dict.fromkeys(partitions, 0)

    def prepare(self, batch: Sequence[Inbound]) -> Sequence[Inbound]:
        return batch

    def store(self, batch: Sequence[Inbound]) -> None:
        if not self.is_back.is_set():
            raise DatabaseAway("PostgreSQL does not answer")
        self.stored += [inbound.value for inbound in batch]


class Forgetful:
    """A database that crashes with the second batch, and has forgotten the first when it is back."""

    def __init__(self) -> None:
        self.claims = 0
        self.stored: list[bytes | None] = []

    def claim(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        self.claims += 1
        return dict.fromkeys(partitions, len(self.stored))

    def prepare(self, batch: Sequence[Inbound]) -> Sequence[Inbound]:
        return batch

    def store(self, batch: Sequence[Inbound]) -> None:
        if self.claims == 1 and self.stored:
            self.stored.clear()
            raise DatabaseAway("PostgreSQL does not answer")
        self.stored += [inbound.value for inbound in batch]


def test_it_goes_back_to_what_the_database_remembers() -> None:
    stage = FakeStage()
    source = stage.new_topic(1)
    stage.send(source, 0, [b"first"])
    service = Service("run-ledger", ServiceSettings(), SharedSettings(), SystemClock())
    service.kafka = stage.kafka
    database = Forgetful()
    thread = threading.Thread(target=run_projection, args=(service, [source], database))
    thread.start()
    eventually(lambda: database.stored == [b"first"], "the first batch")
    stage.send(source, 0, [b"second"])
    eventually(lambda: database.stored == [b"first", b"second"], "both, the first once more")
    assert service.readiness.is_ready
    service.stop("the test is over")
    thread.join(10)
    assert not thread.is_alive()


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
    eventually(lambda: not service.readiness.is_ready, "the database's absence to be said")
    beats = heart.beats
    eventually(lambda: heart.beats > beats, "a beat while the database is away")
    assert service.readiness.reasons() == {"database": "PostgreSQL does not answer"}
    database.is_back.set()
    eventually(lambda: database.stored == [b"fact"], "the batch that was held")
    assert service.readiness.is_ready
    service.stop("the test is over")
    thread.join(10)
    assert not thread.is_alive()
