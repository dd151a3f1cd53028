"""Which settings a member of a group gets."""

from signalbox_runtime.kafka import options as kafka_options
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION

GIVEN = {BOOTSTRAP_OPTION: "kafka:9092"}


def test_only_a_member_that_pauses_partitions_asks_the_broker_more_often() -> None:
    pausing = kafka_options.group_consumer(GIVEN, "action-runner", None, pauses=True)
    other = kafka_options.group_consumer(GIVEN, "trigger-router", None)

    assert pausing["fetch.wait.max.ms"] == kafka_options.PAUSING_FETCH_WAIT_MS
    assert "fetch.wait.max.ms" not in other


def test_how_long_a_fetch_waits_can_be_set() -> None:
    given = {**GIVEN, "fetch.wait.max.ms": "20"}

    assert (
        kafka_options.group_consumer(given, "action-runner", None, pauses=True)["fetch.wait.max.ms"] == "20"
    )
