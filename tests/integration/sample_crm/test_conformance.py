"""`signalbox conformance --crm`: the sample CRM keeps the contract, and CRMs that break it are found out."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from signalbox_contracts import codec, topics
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCatalog, CrmCommand, CrmCommandResult
from tests.declared_topics import apply_topics
from tests.integration.sample_crm.crm import CrmProcess


def examine(bootstrap: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("signalbox")), "conformance", "--crm", *arguments],
        env={**os.environ, "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": bootstrap},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_sample_crm_keeps_the_contract(crm: CrmProcess, kafka_bootstrap: str) -> None:
    crm.call("POST", "/leads", {"name": "Conformance"})
    told = examine(kafka_bootstrap)

    assert told.returncode == 0, told.stdout + told.stderr
    lines = told.stdout.splitlines()[1:]
    assert len(lines) == 11
    assert all(line.startswith("ok  ") for line in lines)
    assert "not checked" not in told.stdout


def test_a_tenant_without_a_catalog_is_told_what_is_missing(kafka_bootstrap: str) -> None:
    apply_topics(kafka_bootstrap)
    told = examine(kafka_bootstrap, "--tenant", "nobody")

    assert told.returncode == 1
    assert "crm.catalog holds nothing of tenant nobody" in told.stderr


@contextmanager
def careless_crm(bootstrap: str, answer: Callable[[CrmCommand], CrmCommandResult]) -> Iterator[None]:
    """A CRM of tenant `careless` that answers everything at once, and remembers and publishes nothing."""
    stopping = threading.Event()
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    catalog = CrmCatalog(tenant_id="careless", kind="users", content=b'[{"id": "u-1"}]', published_at_ms=1)
    producer.produce(topics.CRM_CATALOG, codec.encode(catalog), b"careless/users")
    producer.flush(20)

    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "careless"})
    places = [TopicPartition(topics.CRM_COMMANDS, number) for number in range(4)]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=20)[1]
    consumer.assign(places)

    def serve() -> None:
        while not stopping.is_set():
            message = consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            command = codec.decode_any(message.value() or b"")
            if isinstance(command, CrmCommand) and command.tenant_id == "careless":
                producer.produce(
                    topics.CRM_COMMAND_RESULTS, codec.encode(answer(command)), lane("careless", "leads", "x")
                )
                producer.poll(0)
        consumer.close()
        producer.flush(5)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.mark.slow
def test_a_crm_that_forgets_and_tells_nobody_is_found_out(crm: CrmProcess, kafka_bootstrap: str) -> None:
    counted = iter(range(1_000))

    def answer(command: CrmCommand) -> CrmCommandResult:
        wish = msgspec.json.decode(command.parameters)
        return CrmCommandResult(
            command_id=command.command_id,
            tenant_id=command.tenant_id,
            module=command.module,
            record_id=command.record_id,
            outcome="applied",
            receipt=msgspec.json.encode({"answer": next(counted)}),
            record=msgspec.json.encode({wish.get("field", "x"): wish.get("value")}),
            record_version=next(counted),
            answered_at_ms=1,
            reply_context=command.reply_context.decode("utf-8", errors="replace").encode(),
        )

    with careless_crm(kafka_bootstrap, answer):
        told = examine(kafka_bootstrap, "--tenant", "careless", "--record", "x", "--patience", "30")

    assert told.returncode == 1, told.stdout + told.stderr
    failed = [line[5:49].strip() for line in told.stdout.splitlines() if line.startswith("FAIL")]
    assert failed == [
        "reply_context comes back untouched",
        "one change is one event, with its cause",
        "a repeated command has one effect",
        "old commands that come again change nothing",
        "what can't be done is rejected, for good",
        "a record that does not exist is rejected",
        "commands of a record are applied in order",
    ], told.stdout
