"""Router and evaluator, each by itself on real Kafka: events are on their topic, then the service starts.

Two workflows listen: half of the events meet the conditions of the first, none those of the second.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Producer

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import CrmEvent, Message, WorkflowState, WorkflowVersion
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_runtime.kafka.broker import GroupConsumer
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION
from signalbox_runtime.records import TopicPartition
from tests.declared_topics import LANE_PARTITIONS, apply_topics

EVENTS = 60_000
WARM_UP_EVENTS = 20_000
RUNS = 3
TENANT = "bench"
WAIT_SECONDS = 300
_CONDITIONS: dict[str, Any] = {
    "all": [
        {"field": "source", "op": "equals", "value": "Web Form"},
        {
            "any": [
                {"field": "amount", "op": "greater_than", "value": 50_000},
                {"field": "priority", "op": "equals", "value": "Urgent"},
            ]
        },
    ]
}
_WEBHOOK = {"type": "webhook", "id": "tell", "with": {"method": "POST", "url": "https://receiver.example/"}}


def run() -> list[dict[str, Any]]:
    """Events a second through each service, the median of its runs."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        EmbeddedKafka(Path(folder)) as kafka,
    ):
        bench = _Bench(kafka.bootstrap)
        bench.publish_workflows()
        bench.measure(WARM_UP_EVENTS)
        measured = [bench.measure(EVENTS) for _ in range(RUNS)]
    return [
        _result(f"{name}.{figure}", unit, [getattr(pair[at], figure) for pair in measured])
        for at, name in enumerate(("router", "evaluator"))
        for figure, unit in (("events_per_second", "1/s"), ("cpu_us_per_event", "us"))
    ]


class Measured(NamedTuple):
    """One service on one load. Processor time is of all its threads, start-up left out."""

    events_per_second: float
    cpu_us_per_event: float


class _Bench:
    def __init__(self, bootstrap: str) -> None:
        self._options = {BOOTSTRAP_OPTION: bootstrap}
        apply_topics(bootstrap)
        self._producer = Producer({**self._options, "partitioner": "murmur2_random", "linger.ms": 5})
        self._kafka = ConfluentKafka(self._options, "bench")
        self._askers: dict[str, GroupConsumer] = {}
        self._sent = 0

    def publish_workflows(self) -> None:
        never = {"field": "source", "op": "equals", "value": "Fair"}
        for workflow_id, conditions in (("wf-half", _CONDITIONS), ("wf-none", never)):
            definition = {
                "name": workflow_id,
                "description": "",
                "trigger": {"module": "leads", "event": "created"},
                "conditions": conditions,
                "actions": [_WEBHOOK],
                "reentry": "avoid",
            }
            key = f"{TENANT}/{workflow_id}".encode()
            version = WorkflowVersion(
                tenant_id=TENANT,
                workflow_id=workflow_id,
                version=1,
                definition=msgspec.json.encode(definition),
                published_at_ms=_now_ms(),
                published_by="bench",
            )
            state = WorkflowState(
                tenant_id=TENANT,
                workflow_id=workflow_id,
                name=workflow_id,
                status="active",
                version=1,
                changed_at_ms=_now_ms(),
                changed_by="bench",
            )
            self._send(topics.DEFINITIONS, key + b"@1", version)
            self._send(topics.DEFINITIONS, key, state)
        self._flush()
        time.sleep(0.1)  # events after this are later than the definitions by the broker's clock

    def measure(self, events: int) -> tuple[Measured, Measured]:
        """The router, then the evaluator, on `events` new events."""
        for number in range(self._sent, self._sent + events):
            event = _event(number)
            self._send(topics.crm_topic("leads"), ids.lane(TENANT, "leads", event.record_id), event)
        self._sent += events
        self._flush()
        router = self._rate("trigger-router", "trigger_router", topics.crm_topic("leads"), events)
        evaluator = self._rate("condition-evaluator", "condition_evaluator", topics.RUNS_REQUESTED, events)
        return router, evaluator

    def _rate(self, group: str, module: str, topic: str, events: int) -> Measured:
        """Between a tenth and nine tenths of the way, in offsets; markers are few among them."""
        begin = self._committed(group, topic)
        with self._service(module) as process:
            self._wait_for(group, topic, begin + events // 10)
            began, used, before = time.monotonic(), _cpu_seconds(process), self._committed(group, topic)
            self._wait_for(group, topic, begin + events * 9 // 10)
            done = self._committed(group, topic) - before
            seconds, cpu_seconds = time.monotonic() - began, _cpu_seconds(process) - used
            self._wait_for(group, topic, begin + events)
        return Measured(done / seconds, cpu_seconds * 1_000_000 / done)

    def _wait_for(self, group: str, topic: str, offsets: int) -> None:
        give_up_at = time.monotonic() + WAIT_SECONDS
        while self._committed(group, topic) < offsets:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{group} stands at {self._committed(group, topic)} of {offsets}")
            time.sleep(0.05)

    def _committed(self, group: str, topic: str) -> int:
        places = [TopicPartition(topic, number) for number in range(LANE_PARTITIONS)]
        if group not in self._askers:
            self._askers[group] = self._kafka.group_consumer(group)
        return sum(committed.offset for committed in self._askers[group].committed(places).values())

    def _send(self, topic: str, key: bytes, message: Message) -> None:
        data = codec.encode(message)
        headers: list[tuple[str, str | bytes | None]] = []
        if isinstance(message, CrmEvent):
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_id", message.event_id.encode()),
                ("ce_type", b"crm.leads.created"),
                ("ce_tenantid", TENANT.encode()),
            ]
        while True:
            try:
                self._producer.produce(topic, data, key, headers=headers)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def _flush(self) -> None:
        left = self._producer.flush(60)
        assert left == 0, f"{left} records were not sent"

    @contextmanager
    def _service(self, module: str) -> Iterator[subprocess.Popen[bytes]]:
        environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": self._options[BOOTSTRAP_OPTION],
            "SIGNALBOX_LOG_LEVEL": "warning",
        }
        process = subprocess.Popen([sys.executable, "-m", module], env=environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _event(number: int) -> CrmEvent:
    amount = 75_000 if number % 2 else 10
    record = {
        "id": f"lead-{number}",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "source": "Web Form",
        "amount": amount,
        "priority": "Normal",
        "owner": "u-1",
        "notes": "x" * 300,
    }
    return CrmEvent(
        tenant_id=TENANT,
        event_id=f"evt-{number}",
        module="leads",
        event="created",
        record_id=f"lead-{number}",
        occurred_at_ms=_now_ms(),
        record=msgspec.json.encode(record),
        previous=b"null",
        actor="u-1",
        origin="ui",
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _result(name: str, unit: str, runs: list[float]) -> dict[str, Any]:
    return {"name": name, "value": statistics.median(runs), "unit": unit, "runs": runs}


if __name__ == "__main__":
    for result in run():
        print(f"{result['name']:44} {result['value']:>14,.2f} {result['unit']}")
