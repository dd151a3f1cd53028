"""How views of topics behave, on any Kafka. A test module subclasses it and has a fixture `stage`."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic, sleep

from signalbox_runtime.kafka.broker import TransactionalProducer
from signalbox_runtime.kafka.visibility import wait_until_visible
from signalbox_runtime.loops.views import TopicViews, follow
from signalbox_runtime.process.readiness import Readiness
from signalbox_runtime.records import Inbound, Outbound, TopicPartition
from signalbox_runtime.testing.stage import Stage, new_name
from signalbox_runtime.testing.waiting import eventually

FAR_FUTURE_MS = 1 << 45


class ViewSuite:
    """Each method is a test."""

    def test_it_reads_every_topic_to_its_end_with_tombstones(self, stage: Stage) -> None:
        first, second = stage.new_topic(1), stage.new_topic(3)
        seen = Seen()
        with writer(stage) as producer:
            commit(stage, producer, first, [(b"k", b"1"), (b"k", b"2"), (b"gone", b"1"), (b"gone", None)])
            commit(stage, producer, second, [(b"a", b"1"), (b"b", b"1"), (b"c", b"1")])
        readiness = Readiness()
        views = TopicViews(stage.kafka, {first: seen.apply, second: seen.apply}, readiness)
        assert readiness.reasons().keys() == {"views"}
        views.load(threading.Event())
        views.close()
        assert readiness.reasons() == {}
        assert seen.of(first) == [(b"k", b"1"), (b"k", b"2"), (b"gone", b"1"), (b"gone", None)]
        assert sorted(key or b"" for key, _ in seen.of(second)) == [b"a", b"b", b"c"]

    def test_an_empty_topic_and_one_of_markers_only_are_read_at_once(self, stage: Stage) -> None:
        empty, markers = stage.new_topic(2), stage.new_topic(1)
        seen = Seen()
        with writer(stage) as producer:
            for _ in range(3):
                abort(producer, markers, [(b"k", b"never")])
        views = TopicViews(stage.kafka, {empty: seen.apply, markers: seen.apply})
        views.load(threading.Event())
        assert views.catch_up() == 0
        views.close()
        assert seen.records == []

    def test_what_was_committed_before_is_applied_after_catching_up(self, stage: Stage) -> None:
        topic = stage.new_topic(1)
        seen = Seen()
        views = TopicViews(stage.kafka, {topic: seen.apply})
        views.load(threading.Event())
        with writer(stage) as producer:
            for number in range(20):
                commit(stage, producer, topic, [(b"k", str(number).encode())])
                if number % 3 == 0:
                    abort(producer, topic, [(b"k", b"never")])
                views.catch_up()
                assert seen.of(topic)[-1] == (b"k", str(number).encode())
        assert views.catch_up() == 0
        views.close()
        assert len(seen.records) == 20

    def test_an_open_transaction_is_neither_waited_for_nor_seen(self, stage: Stage) -> None:
        topic = stage.new_topic(1)
        seen = Seen()
        views = TopicViews(stage.kafka, {topic: seen.apply})
        views.load(threading.Event())
        with writer(stage) as producer:
            commit(stage, producer, topic, [(b"k", b"1")])
            producer.begin()
            producer.produce(Outbound(topic, b"k", b"2"))
            views.catch_up()
            assert seen.of(topic) == [(b"k", b"1")]
            producer.commit()
            wait_until_visible(stage.kafka.offsets(), [topic], monotonic, sleep)
            views.catch_up()
            assert seen.of(topic) == [(b"k", b"1"), (b"k", b"2")]
        views.close()

    def test_offsets_of_what_is_written_and_of_what_is_visible(self, stage: Stage) -> None:
        topic = stage.new_topic(1)
        group = stage.new_group([topic])
        place, elsewhere = TopicPartition(topic, 0), TopicPartition(stage.new_topic(1), 0)
        queries = stage.kafka.offsets()
        stage.send(topic, 0, [b"1", b"2"])
        with writer(stage) as producer:
            producer.begin()
            producer.produce(Outbound(topic, b"k", b"3"))
            eventually(
                lambda: queries.written_offsets([place]) == {place: 3}, "the open transaction's record"
            )
            assert queries.end_offsets([place]) == {place: 2}
            assert queries.begin_offsets([place]) == {place: 0}
            assert queries.offsets_at([place], 1) == {place: 0}
            assert queries.offsets_at([place], FAR_FUTURE_MS) == {place: 2}
            assert queries.written_offsets_at([place], 1) == {place: 0}
            assert queries.written_offsets_at([place], FAR_FUTURE_MS) == {place: 3}
            producer.abort()
        assert queries.committed(group, [place, elsewhere]) == {place: 0}

    def test_it_can_be_followed_on_a_thread_of_its_own(self, stage: Stage) -> None:
        topic = stage.new_topic(1)
        seen, stopping = Seen(), threading.Event()
        views = TopicViews(stage.kafka, {topic: seen.apply})
        thread = threading.Thread(target=follow, args=(views, stopping, 0.05))
        thread.start()
        with writer(stage) as producer:
            commit(stage, producer, topic, [(b"k", b"1")])
            eventually(lambda: seen.of(topic) == [(b"k", b"1")], "the first record")
            commit(stage, producer, topic, [(b"k", b"2")])
            eventually(lambda: len(seen.of(topic)) == 2, "the second record")
        stopping.set()
        thread.join(10)
        assert not thread.is_alive()


class Seen:
    """What a view applied."""

    def __init__(self) -> None:
        self.records: list[Inbound] = []

    def apply(self, inbound: Inbound) -> None:
        self.records.append(inbound)

    def of(self, topic: str) -> list[tuple[bytes | None, bytes | None]]:
        """Keys and values of a topic in order."""
        return [(record.key, record.value) for record in self.records if record.topic == topic]


@contextmanager
def writer(stage: Stage) -> Iterator[TransactionalProducer]:
    """An initialised producer."""
    producer = stage.kafka.transactional_producer(new_name("writer"))
    producer.initialise()
    yield producer
    producer.destroy()


def commit(
    stage: Stage, producer: TransactionalProducer, topic: str, records: Sequence[tuple[bytes, bytes | None]]
) -> None:
    """Writes records in one transaction, and returns once they can be read."""
    producer.begin()
    for key, value in records:
        producer.produce(Outbound(topic, key, value))
    producer.commit()
    wait_until_visible(stage.kafka.offsets(), [topic], monotonic, sleep)


def abort(producer: TransactionalProducer, topic: str, records: Sequence[tuple[bytes, bytes | None]]) -> None:
    """Writes records in a transaction that does not count."""
    producer.begin()
    for key, value in records:
        producer.produce(Outbound(topic, key, value))
    producer.abort()
