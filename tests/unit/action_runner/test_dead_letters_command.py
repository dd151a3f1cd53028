"""`signalbox dead-letters`: each record gets one more chance, whoever asks and however often."""

import pytest

from signalbox_contracts import codec, topics
from signalbox_embedded.cli.dead_letters import DeadLetter, Filter, read_letters, read_topic, redrive_all
from signalbox_embedded.errors import EmbeddedError
from signalbox_runtime.errors import KafkaFailure
from signalbox_runtime.loops.dead_letters import dead_letter
from signalbox_runtime.records import Inbound
from signalbox_runtime.testing.fake_kafka import FakeKafka
from tests.unit.action_runner.tokens import NOW_MS, token

EVERYTHING = Filter()


def inbound(topic: str, value: bytes) -> Inbound:
    return Inbound(
        topic=topic,
        partition=1,
        offset=7,
        timestamp_ms=NOW_MS,
        key=b"acme/leads/lead-1",
        value=value,
        headers=(("traceparent", b"00-1"),),
    )


@pytest.fixture
def kafka() -> FakeKafka:
    """Two letters: an event that nobody could read, and a token of a run."""
    fake = FakeKafka()
    for topic in (topics.DEAD_LETTERS, "crm.leads", "actions.webhook"):
        fake.broker.create_topic(topic, 2)
    producer = fake.transactional_producer("writer")
    producer.initialise()
    producer.begin()
    producer.produce(dead_letter(inbound("crm.leads", b"garbage"), "trigger-router", "Not an event.", NOW_MS))
    producer.produce(
        dead_letter(inbound("actions.webhook", codec.encode(token())), "action-runner", "Broken.", NOW_MS + 1)
    )
    producer.commit()
    return fake


def no_run(run_id: str) -> str:
    raise AssertionError(f"{run_id} is not to be retried")


def letters(kafka: FakeKafka) -> list[DeadLetter]:
    return read_letters(read_topic(kafka))


def test_letters_say_where_they_are_from_and_why(kafka: FakeKafka) -> None:
    event, run = letters(kafka)
    assert (event.source, event.service, event.error) == (
        "crm.leads-1@7",
        "trigger-router",
        "Not an event.",
    )
    assert (event.run_id, run.run_id) == (None, "run-1")
    assert event.redriven is None


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Filter(), 2),
        (Filter(topic="crm.leads"), 1),
        (Filter(service="action-runner"), 1),
        (Filter(text="not an"), 1),
        (Filter(text="not an", service="action-runner"), 0),
        (Filter(places=("0@99",)), 0),
    ],
)
def test_filters(kafka: FakeKafka, wanted: Filter, count: int) -> None:
    assert len([letter for letter in letters(kafka) if wanted.selects(letter)]) == count


def test_a_record_goes_back_as_it_came_and_only_once(kafka: FakeKafka) -> None:
    wanted = Filter(topic="crm.leads")
    for _ in range(3):
        list(redrive_all(kafka, wanted, no_run, lambda: NOW_MS))
    (again,) = kafka.broker.records("crm.leads")
    assert (again.key, again.value) == (b"acme/leads/lead-1", b"garbage")
    assert again.headers == (("traceparent", b"00-1"),)
    event, _ = letters(kafka)
    assert event.redriven is not None


def test_a_run_becomes_a_retry_and_its_token_does_not_come_back(kafka: FakeKafka) -> None:
    asked: list[str] = []

    def retry(run_id: str) -> str:
        asked.append(run_id)
        return "run-2"

    outcomes = [outcome for _, outcome in redrive_all(kafka, EVERYTHING, retry, lambda: NOW_MS)]
    assert outcomes == ["sent to crm.leads", "runs again as run-2"]
    assert list(redrive_all(kafka, EVERYTHING, retry, lambda: NOW_MS)) == []
    assert asked == ["run-1"]
    assert kafka.broker.records("actions.webhook") == []
    assert "run-2" in (letters(kafka)[1].redriven or "")


def test_a_run_that_can_not_be_retried_leaves_its_letter_and_the_others_go_on(kafka: FakeKafka) -> None:
    def retry(_run_id: str) -> str:
        raise EmbeddedError("the run has not failed")

    outcomes = [outcome for _, outcome in redrive_all(kafka, EVERYTHING, retry, lambda: NOW_MS)]
    assert outcomes == ["sent to crm.leads", "left where it is: the run has not failed"]
    assert [letter.redriven is None for letter in letters(kafka)] == [False, True]


def test_of_two_people_at_once_one_redrives(kafka: FakeKafka) -> None:
    def somebody_else_first(_run_id: str) -> str:
        list(redrive_all(kafka, EVERYTHING, lambda _run: "run-2", lambda: NOW_MS))
        return "run-2"  # the API answers both with the same run

    with pytest.raises(KafkaFailure):
        list(redrive_all(kafka, Filter(topic="actions.webhook"), somebody_else_first, lambda: NOW_MS))
    notes = [record for record in kafka.broker.records(topics.DEAD_LETTERS) if record.header("redriven")]
    assert len(notes) == 2
    assert len(kafka.broker.records("crm.leads")) == 1


def test_a_letter_given_up_again_is_a_new_letter(kafka: FakeKafka) -> None:
    list(redrive_all(kafka, Filter(topic="crm.leads"), no_run, lambda: NOW_MS))
    (again,) = kafka.broker.records("crm.leads")
    producer = kafka.transactional_producer("writer")
    producer.initialise()
    producer.begin()
    producer.produce(dead_letter(again, "trigger-router", "Still not an event.", NOW_MS + 2))
    producer.commit()
    assert [letter.redriven is None for letter in letters(kafka)] == [False, True, True]
