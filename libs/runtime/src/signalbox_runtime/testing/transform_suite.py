"""How the transform loop behaves, on any Kafka. A test module subclasses it and has a fixture `stage`."""

from collections import Counter

from signalbox_runtime.clock import SystemClock
from signalbox_runtime.errors import (
    ClientFailed,
    OffsetMissing,
    OutcomeUnknown,
    TransactionAbortable,
    UndecodableInternalMessage,
)
from signalbox_runtime.kafka.broker import CommittedOffset
from signalbox_runtime.loops.dead_letters import ERROR, SOURCE_OFFSET, dead_letter
from signalbox_runtime.loops.holds import Hold
from signalbox_runtime.records import Inbound, Outbox, TopicPartition
from signalbox_runtime.testing.flaky_kafka import FlakyKafka
from signalbox_runtime.testing.running_loop import RunningLoop
from signalbox_runtime.testing.stage import Stage, new_name
from signalbox_runtime.testing.transforms import (
    UNDECODABLE,
    BlockingCopy,
    Copy,
    FirstOnly,
    HoldingCopy,
)
from signalbox_runtime.testing.waiting import eventually


class TransformSuite:
    """Each method is a test."""

    # --- a batch in, a transaction out -------------------------------------------------------------

    def test_every_record_leads_to_its_outbox_and_its_offset_is_committed(self, stage: Stage) -> None:
        sources, target = [stage.new_topic(2), stage.new_topic(1)], stage.new_topic(2)
        group = stage.new_group(sources)
        stage.send(sources[0], 0, numbered("a", 50))
        stage.send(sources[0], 1, numbered("b", 50))
        stage.send(sources[1], 0, numbered("c", 50))
        with RunningLoop(stage.kafka, group, sources, Copy(target)) as running:
            wait_for_values(stage, target, 150)
            assert running.readiness.is_ready
        expected = Counter(numbered("a", 50) + numbered("b", 50) + numbered("c", 50))
        assert values(stage, target) == expected
        assert next_offsets(stage, group, sources[0]) == {0: 50, 1: 50}
        assert next_offsets(stage, group, sources[1]) == {0: 50}

    def test_a_partition_keeps_its_order(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        stage.send(source, 0, numbered("a", 300))
        with RunningLoop(stage.kafka, stage.new_group([source]), [source], Copy(target)):
            wait_for_values(stage, target, 300)
        assert [record.value for record in stage.records(target)] == numbered("a", 300)

    def test_transaction_markers_in_the_source_are_gaps_not_records(self, stage: Stage) -> None:
        first, second, target = stage.new_topic(1), stage.new_topic(1), stage.new_topic(1)
        stage.send(first, 0, numbered("a", 3))
        with RunningLoop(stage.kafka, stage.new_group([first]), [first], Copy(second), batch_max_records=1):
            wait_for_values(stage, second, 3)
        assert [record.offset for record in stage.records(second)] == [0, 2, 4]
        group = stage.new_group([second])
        with RunningLoop(stage.kafka, group, [second], Copy(target)):
            wait_for_values(stage, target, 3)
        assert next_offsets(stage, group, second) == {0: 5}

    def test_a_stopped_loop_goes_on_where_it_was(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group = stage.new_group([source])
        first, second = Copy(target), Copy(target)
        stage.send(source, 0, numbered("a", 5))
        with RunningLoop(stage.kafka, group, [source], first):
            wait_for_values(stage, target, 5)
        stage.send(source, 0, numbered("b", 5))
        with RunningLoop(stage.kafka, group, [source], second):
            wait_for_values(stage, target, 10)
        assert first.gone == [TopicPartition(source, 0)]
        assert second.begins == {TopicPartition(source, 0): 5}
        assert values(stage, target) == Counter(numbered("a", 5) + numbered("b", 5))

    # --- failures of a transaction -----------------------------------------------------------------

    def test_after_an_abort_the_batch_comes_again_and_counts_once(self, stage: Stage) -> None:
        for call in ("produce", "send_offsets", "commit"):
            kafka = FlakyKafka(stage.kafka)
            kafka.fail_next(call, TransactionAbortable("asked for by the test"))
            source, target = stage.new_topic(2), stage.new_topic(1)
            stage.send(source, 0, numbered("a", 20))
            stage.send(source, 1, numbered("b", 20))
            copy = Copy(target)
            with RunningLoop(kafka, stage.new_group([source]), [source], copy):
                wait_for_values(stage, target, 40)
            assert kafka.failed == [call]
            assert len(copy.handled) > 40
            assert values(stage, target) == Counter(numbered("a", 20) + numbered("b", 20))

    def test_an_unknown_outcome_is_found_out_whichever_it_was(self, stage: Stage) -> None:
        for after_effect in (False, True):
            kafka = FlakyKafka(stage.kafka)
            kafka.fail_next("commit", OutcomeUnknown("asked for by the test"), after_effect)
            source, target = stage.new_topic(1), stage.new_topic(1)
            group = stage.new_group([source])
            stage.send(source, 0, numbered("a", 20))
            with RunningLoop(kafka, group, [source], Copy(target)):
                wait_for_values(stage, target, 20)
                stage.send(source, 0, [b"last"])
                wait_for_values(stage, target, 21)
            assert kafka.failed == ["commit"]
            assert values(stage, target) == Counter([*numbered("a", 20), b"last"])
            assert next_offsets(stage, group, source) == {0: 21}

    def test_an_abort_that_stays_unanswered_is_found_out_too(self, stage: Stage) -> None:
        kafka = FlakyKafka(stage.kafka)
        kafka.fail_next("commit", TransactionAbortable("asked for by the test"))
        kafka.fail_next("abort", OutcomeUnknown("asked for by the test"))
        source, target = stage.new_topic(1), stage.new_topic(1)
        stage.send(source, 0, numbered("a", 20))
        with RunningLoop(kafka, stage.new_group([source]), [source], Copy(target)):
            wait_for_values(stage, target, 20)
        assert kafka.failed == ["commit", "abort"]
        assert values(stage, target) == Counter(numbered("a", 20))

    def test_a_fenced_loop_ends_and_its_transaction_does_not_count(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group, slot = stage.new_group([source]), new_name("slot")
        copy = BlockingCopy(target, blocking=b"a-3")
        stage.send(source, 0, numbered("a", 5))
        with RunningLoop(stage.kafka, group, [source], copy, transactional_id=slot) as running:
            assert copy.is_blocked.wait(30)
            successor = stage.kafka.transactional_producer(slot)
            successor.initialise()
            copy.go_on.set()
            assert isinstance(running.failure(), ClientFailed)
        successor.destroy()
        assert stage.records(target) == []
        assert next_offsets(stage, group, source) == {0: 0}

    # --- bad input ---------------------------------------------------------------------------------

    def test_poison_goes_to_dead_letters_and_the_next_good_record_runs(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        stage.send(source, 0, [b"good", b"\x00\xff", b"good too"], headers=(("traceparent", b"00-1"),))

        class Careful(Copy):
            def handle(self, inbound: Inbound) -> Outbox | Hold:
                if inbound.value == b"\x00\xff":
                    letter = dead_letter(inbound, "test-service", "it begins with 00", at_ms=7)
                    return Outbox([type(letter)(target, letter.key, letter.value, letter.headers)])
                return super().handle(inbound)

        with RunningLoop(stage.kafka, stage.new_group([source]), [source], Careful(target)):
            wait_for_values(stage, target, 3)
        good, letter, last = stage.records(target)
        assert (good.value, letter.value, last.value) == (b"good", b"\x00\xff", b"good too")
        assert letter.key == b"\x00\xff"
        assert letter.header("traceparent") == b"00-1"
        assert letter.header(SOURCE_OFFSET) == b"1"
        assert letter.header(ERROR) == b"it begins with 00"

    def test_an_undecodable_message_of_our_own_stops_the_loop_and_keeps_its_offset(
        self, stage: Stage
    ) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group = stage.new_group([source])
        stage.send(source, 0, [b"before", UNDECODABLE, b"after"])
        with RunningLoop(stage.kafka, group, [source], Copy(target)) as running:
            failure = running.failure()
        assert isinstance(failure, UndecodableInternalMessage)
        assert f"{source}-0@1" in str(failure)
        assert values(stage, target) == Counter([b"before"])
        assert next_offsets(stage, group, source) == {0: 1}

    def test_a_group_without_offsets_stops_the_loop_with_a_sentence(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group = new_name("group")
        stage.send(source, 0, [b"a"])
        with RunningLoop(stage.kafka, group, [source], Copy(target)) as running:
            failure = running.failure()
        assert isinstance(failure, OffsetMissing)
        assert group in str(failure)
        assert f"{source}-0" in str(failure)
        assert stage.records(target) == []

    def test_an_offset_that_the_topic_no_longer_holds_stops_the_loop(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group = stage.new_group([source])
        stage.send(source, 0, numbered("a", 5))
        stage.delete_before(TopicPartition(source, 0), 3)
        with RunningLoop(stage.kafka, group, [source], Copy(target)) as running:
            failure = running.failure()
        assert isinstance(failure, OffsetMissing)
        assert f"{source}-0" in str(failure)
        assert stage.records(target) == []

    # --- rebalances --------------------------------------------------------------------------------

    def test_two_members_share_the_work_and_every_record_counts_once(self, stage: Stage) -> None:
        source, target = stage.new_topic(4), stage.new_topic(4)
        group = stage.new_group([source])
        first, second, third = Copy(target), Copy(target), Copy(target)
        with RunningLoop(stage.kafka, group, [source], first, batch_max_records=5) as staying:
            staying.wait_ready()
            send_to_all(stage, source, 4, "a", 40)
            with RunningLoop(stage.kafka, group, [source], second, batch_max_records=5):
                send_to_all(stage, source, 4, "b", 40)
                eventually(lambda: bool(second.begins), "partitions for the second member")
                send_to_all(stage, source, 4, "c", 40)
                wait_for_values(stage, target, 480)
            with RunningLoop(stage.kafka, group, [source], third, batch_max_records=5):
                send_to_all(stage, source, 4, "d", 40)
                wait_for_values(stage, target, 640)
        assert len(first.begins) == 4
        assert second.begins
        assert set(second.gone) == set(second.begins)
        assert max(values(stage, target).values()) == 1
        assert next_offsets(stage, group, source) == dict.fromkeys(range(4), 160)

    def test_a_rebalance_during_an_open_transaction_counts_every_record_once(self, stage: Stage) -> None:
        source, target = stage.new_topic(2), stage.new_topic(1)
        group = stage.new_group([source])
        stage.send(source, 0, numbered("a", 20))
        stage.send(source, 1, numbered("b", 20))
        blocked, joining = BlockingCopy(target, blocking=b"a-7"), Copy(target)
        with RunningLoop(stage.kafka, group, [source], blocked) as first:
            assert blocked.is_blocked.wait(30)
            with RunningLoop(stage.kafka, group, [source], joining):
                # A heartbeat passes, and the member rejoins behind the loop's back.
                first.stopping.wait(stage.rejoin_seconds)
                assert not joining.begins, "partitions were given away under an open transaction"
                blocked.go_on.set()
                eventually(lambda: bool(joining.begins), "a partition for the second member")
                send_to_all(stage, source, 2, "c", 20)
                wait_for_values(stage, target, 80)
        assert max(values(stage, target).values()) == 1
        assert next_offsets(stage, group, source) == {0: 40, 1: 40}

    def test_a_member_replaced_by_its_own_instance_ends_and_counts_nothing_twice(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group, instance = stage.new_group([source]), new_name("instance")
        stage.send(source, 0, numbered("a", 10))
        blocked, successor = BlockingCopy(target, blocking=b"a-5"), Copy(target)
        with RunningLoop(stage.kafka, group, [source], blocked, instance_id=instance) as replaced:
            assert blocked.is_blocked.wait(30)
            with RunningLoop(stage.kafka, group, [source], successor, instance_id=instance):
                eventually(lambda: len(successor.handled) >= 10, "the successor's first records")
                blocked.go_on.set()
                assert isinstance(replaced.failure(), ClientFailed)
                wait_for_values(stage, target, 10)
        assert values(stage, target) == Counter(numbered("a", 10))

    # --- records that are not due ------------------------------------------------------------------

    def test_a_record_not_due_holds_its_partition_only_and_waits_without_spinning(self, stage: Stage) -> None:
        source, target = stage.new_topic(2), stage.new_topic(1)
        group = stage.new_group([source])
        copy = HoldingCopy(target, SystemClock(), held=b"later", hold_ms=stage.hold_ms)
        with RunningLoop(stage.kafka, group, [source], copy) as running:
            running.wait_ready()
            stage.send(source, 0, [b"first", b"later", b"after later"])
            stage.send(source, 1, numbered("b", 3))
            wait_for_values(stage, target, 4)
            assert next_offsets(stage, group, source) == {0: 1, 1: 3}
            stage.send(source, 1, [b"b-4"])
            wait_for_values(stage, target, 7)
        order = [record.value for record in stage.records(target)]
        assert order[-3:] == [b"b-4", b"later", b"after later"]
        assert next_offsets(stage, group, source) == {0: 3, 1: 4}
        assert copy.hold_count <= 3
        assert max(copy.lateness_ms) < 500

    def test_a_held_partition_can_change_hands(self, stage: Stage) -> None:
        source, target = stage.new_topic(1), stage.new_topic(1)
        group = stage.new_group([source])
        clock = SystemClock()
        stage.send(source, 0, [b"first", b"later"])
        with RunningLoop(stage.kafka, group, [source], HoldingCopy(target, clock, b"later", stage.hold_ms)):
            wait_for_values(stage, target, 1)
        with RunningLoop(stage.kafka, group, [source], HoldingCopy(target, clock, b"later", stage.hold_ms)):
            wait_for_values(stage, target, 2)
        assert [record.value for record in stage.records(target)] == [b"first", b"later"]

    def test_a_held_partition_that_went_and_came_back_is_released(self, stage: Stage) -> None:
        source, target = stage.new_topic(2), stage.new_topic(1)
        group = stage.new_group([source])
        hold_ms = 2 * stage.hold_ms
        staying, passing = (HoldingCopy(target, SystemClock(), b"later", hold_ms) for _ in range(2))
        for partition in range(2):
            stage.send(source, partition, [b"first", b"later"])
        with RunningLoop(stage.kafka, group, [source], staying):
            eventually(lambda: staying.hold_count >= 2, "both partitions to be held")
            with RunningLoop(stage.kafka, group, [source], passing):
                eventually(lambda: passing.hold_count >= 1, "the second member to hold one")
            wait_for_values(stage, target, 4)
        assert values(stage, target) == Counter({b"first": 2, b"later": 2})
        assert next_offsets(stage, group, source) == {0: 2, 1: 2}

    # --- the memory of ids -------------------------------------------------------------------------

    def test_a_rewound_record_is_not_its_own_repeat(self, stage: Stage) -> None:
        kafka = FlakyKafka(stage.kafka)
        kafka.fail_next("commit", TransactionAbortable("asked for by the test"))
        source, target = stage.new_topic(1), stage.new_topic(1)
        stage.send(source, 0, [b"x", b"y", b"x", b"z"])
        copy = FirstOnly(target, kafka, events_max=100)
        with RunningLoop(kafka, stage.new_group([source]), [source], copy):
            wait_for_values(stage, target, 3)
        assert kafka.failed == ["commit"]
        assert [record.value for record in stage.records(target)] == [b"x", b"y", b"z"]

    def test_a_successor_knows_the_ids_from_before_its_assignment(self, stage: Stage) -> None:
        source, target = stage.new_topic(2), stage.new_topic(1)
        group = stage.new_group([source])
        stage.send(source, 0, numbered("a", 30))
        stage.send(source, 1, [b"other partition"])
        with RunningLoop(stage.kafka, group, [source], FirstOnly(target, stage.kafka, events_max=10)):
            wait_for_values(stage, target, 31)
        stage.send(source, 0, [b"a-29", b"a-25", b"new", b"a-1"])
        successor = FirstOnly(target, stage.kafka, events_max=10)
        with RunningLoop(stage.kafka, group, [source], successor):
            wait_for_values(stage, target, 33)
        assert successor.refilled == 11
        # a-1 lies outside the window of ten: it counts as new, as it would have for the predecessor.
        assert [record.value for record in stage.records(target)][-2:] == [b"new", b"a-1"]

    def test_a_refill_looks_past_transaction_markers(self, stage: Stage) -> None:
        first, source, target = stage.new_topic(1), stage.new_topic(1), stage.new_topic(1)
        stage.send(first, 0, numbered("a", 12))
        with RunningLoop(stage.kafka, stage.new_group([first]), [first], Copy(source), batch_max_records=1):
            wait_for_values(stage, source, 12)
        group = stage.new_group([source])
        with RunningLoop(stage.kafka, group, [source], FirstOnly(target, stage.kafka, events_max=10)):
            wait_for_values(stage, target, 12)
        stage.send(source, 0, [b"a-3", b"new"])
        successor = FirstOnly(target, stage.kafka, events_max=10)
        with RunningLoop(stage.kafka, group, [source], successor):
            wait_for_values(stage, target, 13)
        assert successor.refilled >= 10
        assert values(stage, target) == Counter([*numbered("a", 12), b"new"])


def numbered(prefix: str, count: int) -> list[bytes]:
    """`a-0`, `a-1`, …"""
    return [f"{prefix}-{number}".encode() for number in range(count)]


def send_to_all(stage: Stage, topic: str, partitions: int, prefix: str, count: int) -> None:
    """`count` records to each partition, all different."""
    for partition in range(partitions):
        stage.send(topic, partition, numbered(f"{prefix}{partition}", count))


def values(stage: Stage, topic: str) -> Counter[bytes | None]:
    """How often each value was committed to `topic`."""
    return Counter(record.value for record in stage.records(topic))


def wait_for_values(stage: Stage, topic: str, count: int) -> None:
    """Waits until `topic` holds `count` committed records or more."""
    eventually(lambda: len(stage.records(topic)) >= count, f"{count} records on {topic}")


def next_offsets(stage: Stage, group: str, topic: str) -> dict[int, int]:
    """The group's committed offsets by partition."""
    committed: dict[int, CommittedOffset] = stage.committed(group, topic)
    return {partition: offset.offset for partition, offset in committed.items()}
