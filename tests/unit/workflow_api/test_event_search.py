"""Which of the kept events a test is made on: the last of a record, or the one of an id."""

import json

import pytest

from signalbox_contracts import codec, ids
from signalbox_contracts.messages import CrmEvent
from signalbox_runtime.testing.fake_broker import FakeBroker
from signalbox_runtime.testing.fake_kafka import FakeKafka
from workflow_api.adapters.event_search import CHUNK_RECORDS, EventSearch, EventWanted, NotFound

TOPIC = "crm.leads"
PARTITIONS = 4
EVENTS = CHUNK_RECORDS * 6 * PARTITIONS
"""More of each partition than the first two looks reach."""
RECORDS = 100


@pytest.fixture(scope="module")
def search() -> EventSearch:
    """Event n is of lead n % RECORDS of tenant demo, in the partition n % PARTITIONS."""
    broker = FakeBroker()
    broker.create_topic(TOPIC, PARTITIONS)
    for number in range(EVENTS):
        append(broker, "demo", f"evt-{number}", f"lead-{number % RECORDS}", number % PARTITIONS)
    append(broker, "acme", "evt-1", "lead-1", 1)
    return EventSearch(FakeKafka(broker))


def append(broker: FakeBroker, tenant_id: str, event_id: str, record_id: str, partition: int) -> None:
    event = CrmEvent(
        tenant_id=tenant_id,
        event_id=event_id,
        module="leads",
        event="created",
        record_id=record_id,
        occurred_at_ms=1_795_428_000_000,
        record=json.dumps({"id": record_id}).encode(),
        previous=b"null",
    )
    key = ids.lane(tenant_id, "leads", record_id)
    broker.append(TOPIC, key, codec.encode(event), partition=partition)


@pytest.mark.parametrize("number", [0, 1, EVENTS // 2, EVENTS - 5000, EVENTS - 1])
def test_an_event_is_found_by_its_id_however_old_it_is(search: EventSearch, number: int) -> None:
    found = search.find(EventWanted("demo", "leads", event_id=f"evt-{number}"))
    assert isinstance(found, CrmEvent)
    assert (found.tenant_id, found.event_id) == ("demo", f"evt-{number}")


@pytest.mark.parametrize("record", [0, 1, RECORDS - 1])
def test_of_a_record_the_last_event_is_found(search: EventSearch, record: int) -> None:
    found = search.find(EventWanted("demo", "leads", record_id=f"lead-{record}"))
    assert isinstance(found, CrmEvent)
    assert found.event_id == f"evt-{EVENTS - RECORDS + record}"


def test_another_tenants_event_is_not_found_and_everything_was_searched(search: EventSearch) -> None:
    wanted = EventWanted("other", "leads", event_id="evt-1")
    assert search.find(wanted) == NotFound(EVENTS + 1, complete=True)
