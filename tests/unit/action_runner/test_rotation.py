"""Whose turn it is, and how a new process knows."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_runner.rotation import HEADER, Rotation
from signalbox_contracts import topics
from signalbox_runtime.clock import ManualClock
from signalbox_runtime.records import Inbound, Outbound
from signalbox_runtime.testing.fake_kafka import FakeKafka
from tests.unit.action_runner.tokens import step, token

OWNERS = ["u-1", "u-2", "u-3"]
RUN = token(step("assign_owner"))


def command(header: tuple[str, bytes], offset: int) -> Inbound:
    return Inbound(
        topic=topics.CRM_COMMANDS,
        partition=0,
        offset=offset,
        timestamp_ms=0,
        key=b"k",
        value=b"v",
        headers=(header,),
    )


def test_everybody_gets_a_turn_before_anybody_gets_a_second() -> None:
    rotation = Rotation(ManualClock())
    assert [rotation.take_turn(RUN, OWNERS).owner for _ in range(7)] == [*OWNERS, *OWNERS, "u-1"]


def test_workflows_tenants_and_actions_have_rotations_of_their_own() -> None:
    rotation = Rotation(ManualClock())
    others = (
        msgspec.structs.replace(RUN, workflow_id="wf-2"),
        msgspec.structs.replace(RUN, tenant_id="other"),
        token(step("assign_owner", 1)),
    )
    for run in (RUN, *others):
        assert rotation.take_turn(run, OWNERS).owner == "u-1"


def test_who_joins_is_next_and_who_leaves_is_no_longer_asked() -> None:
    rotation = Rotation(ManualClock())
    for _ in range(4):
        rotation.take_turn(RUN, OWNERS)
    assert rotation.take_turn(RUN, ["u-1", "u-3", "u-9"]).owner == "u-9"
    assert rotation.take_turn(RUN, ["u-1", "u-3", "u-9"]).owner == "u-3"


@given(st.integers(0, 20), st.permutations(range(20)))
def test_a_process_that_reads_the_commands_goes_on_whatever_order_it_reads_them_in(
    taken: int, order: list[int]
) -> None:
    before, after = Rotation(ManualClock()), Rotation(ManualClock())
    headers = [before.take_turn(RUN, OWNERS).header for _ in range(taken)]
    for number in order:
        if number < taken:
            after.note(command(headers[number], number))
    assert after.take_turn(RUN, OWNERS).owner == before.take_turn(RUN, OWNERS).owner


@pytest.mark.parametrize("partitions", [[0], [0, 1]])
def test_turns_are_read_back_from_the_commands(partitions: list[int]) -> None:
    kafka = FakeKafka()
    kafka.broker.create_topic(topics.CRM_COMMANDS, 2)
    before = Rotation(ManualClock())
    producer = kafka.transactional_producer("runner")
    producer.initialise()
    for _ in range(2):
        producer.begin()
        turn = before.take_turn(RUN, OWNERS)
        producer.produce(Outbound(topics.CRM_COMMANDS, b"acme/leads/lead-1", b"x", (turn.header,)))
        producer.produce(Outbound(topics.CRM_COMMANDS, b"acme/leads/lead-1", b"x"))
        producer.commit()
    producer.begin()
    aborted = before.take_turn(RUN, OWNERS)
    producer.produce(Outbound(topics.CRM_COMMANDS, b"acme/leads/lead-1", b"x", (aborted.header,)))
    producer.abort()
    (written, *_) = kafka.broker.records(topics.CRM_COMMANDS)
    after = Rotation(ManualClock())
    after.read_back(kafka, partitions)
    assert written.header(HEADER) is not None
    expected = "u-3" if written.partition in partitions else "u-1"
    assert after.take_turn(RUN, OWNERS).owner == expected
