"""A Kafka with the product's topics, tokens made by hand, and runner processes; no other service."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import Producer

from signalbox_contracts import codec, ids, topics
from signalbox_contracts.messages import (
    ActionRequested,
    ActionStep,
    CrmEvent,
    LateResult,
    Message,
    RetryPolicy,
    RunFact,
)
from signalbox_runtime.errors import KafkaUnavailable
from signalbox_runtime.kafka.clients import ConfluentKafka
from signalbox_runtime.kafka.options import BOOTSTRAP_OPTION
from signalbox_runtime.records import Headers, Inbound
from signalbox_runtime.testing.waiting import PATIENCE_SECONDS
from tests.declared_topics import apply_topics

M = TypeVar("M", bound=Message)
T = TypeVar("T")


def action(
    kind: str,
    parameters: Mapping[str, Any],
    *,
    id: str | None = None,  # noqa: A002, an action's id is called id
    index: int = 0,
    attempts: int = 3,
    first_backoff_ms: int = 50,
    max_backoff_ms: int = 60_000,
    timeout_ms: int = 10_000,
    on_failure: str = "stop",
    on_unknown: str = "resend",
) -> ActionStep:
    """A step with everything defaulted that a test does not care for."""
    data = json.dumps(parameters).encode()
    return ActionStep(
        id=id or f"{kind.replace('_', '-')}-{index}",
        index=index,
        type=kind,
        parameters=data,
        parameters_hash=ids.parameters_hash(kind, data),
        timeout_ms=timeout_ms,
        retry=RetryPolicy(
            attempts=attempts,
            first_backoff_ms=first_backoff_ms,
            factor=2.0,
            max_backoff_ms=max_backoff_ms,
        ),
        on_failure=on_failure,  # type: ignore[arg-type]
        on_unknown=on_unknown,  # type: ignore[arg-type]
    )


def token(
    tenant_id: str,
    number: int,
    actions: Sequence[ActionStep],
    *,
    record_id: str | None = None,
    workflow_id: str = "wf-1",
    record: Mapping[str, Any] | None = None,
    now_ms: int | None = None,
) -> ActionRequested:
    """The token of a run that has just been started: its judgement was fact number 1."""
    now_ms = now_ms or time.time_ns() // 1_000_000
    record_id = record_id or f"lead-{number}"
    fields = {
        "id": record_id,
        "name": f"Lead {number}",
        "email": f"lead-{number}@example.com",
        **(record or {}),
    }
    event = CrmEvent(
        tenant_id=tenant_id,
        event_id=f"evt-{number}",
        module="leads",
        event="created",
        record_id=record_id,
        occurred_at_ms=now_ms,
        record=json.dumps(fields).encode(),
        previous=b"null",
    )
    return ActionRequested(
        tenant_id=tenant_id,
        run_id=ids.run_id(now_ms, tenant_id, event.event_id, workflow_id),
        seq=1,
        workflow_id=workflow_id,
        workflow_name="Test",
        version=1,
        module="leads",
        record_id=record_id,
        event_id=event.event_id,
        event=codec.encode(event),
        run_started_at_ms=now_ms,
        actions=tuple(actions),
    )


def lane_of(run: ActionRequested) -> bytes:
    """The key of a token."""
    return ids.lane(run.tenant_id, run.module, run.record_id)


class RunnerStage:
    """The topics, and what lies on them."""

    def __init__(self, bootstrap: str) -> None:
        self.options = {BOOTSTRAP_OPTION: bootstrap}
        declared = topics.all_topics()
        apply_topics(bootstrap)
        self.kafka = ConfluentKafka(self.options, "stage")
        self._producer = Producer({**self.options, "partitioner": "murmur2_random", "linger.ms": 5})
        names = [topic.name for topic in declared]
        self._marks = patiently(
            lambda: self.kafka.offsets().end_offsets(self.kafka.offsets().partitions(names))
        )
        self._found: dict[str, list[Inbound]] = defaultdict(list)

    def publish(self, topic: str, key: bytes, value: Message | bytes, headers: Headers = ()) -> None:
        """Sends a record; `flush` makes sure that it is there."""
        data = value if isinstance(value, bytes) else codec.encode(value)
        while True:
            try:
                self._producer.produce(topic, data, key, headers=list(headers) or None)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def start_run(self, run: ActionRequested) -> None:
        """Sends a token to the topic of its first action."""
        self.publish(topics.action_topic(run.actions[0].type), lane_of(run), run)

    def flush(self) -> None:
        """Waits until everything sent is there."""
        assert self._producer.flush(30) == 0

    def records(self, topic: str) -> list[Inbound]:
        """What came onto a topic since this stage was set."""
        places = [place for place in self._marks if place.topic == topic]
        ends = patiently(lambda: self.kafka.offsets().end_offsets(places))
        unread = {place for place in places if self._marks[place] < ends[place]}
        if unread:
            reader = self.kafka.reader({place: self._marks[place] for place in unread})
            while unread:
                # It may give more than was there when the ends were asked for.
                self._found[topic] += reader.read(10_000, 0.5)
                unread = {place for place in unread if reader.position(place) < ends[place]}
            for place in places:
                if self._marks[place] < ends[place]:
                    self._marks[place] = reader.position(place)
            reader.close()
        return self._found[topic]

    def end(self, topic: str) -> int:
        """How far a topic goes, over all its partitions; grows with every record and transaction."""
        places = [place for place in self._marks if place.topic == topic]
        return sum(patiently(lambda: self.kafka.offsets().end_offsets(places)).values())

    def messages(self, topic: str, expected: type[M]) -> list[M]:
        """What came onto a topic, decoded."""
        return [codec.decode(inbound.value or b"", expected) for inbound in self.records(topic)]

    def histories(self, tenant_id: str) -> dict[str, list[RunFact]]:
        """The facts of a tenant's runs by run, in the order of their seq; a fact twice is there twice."""
        histories: dict[str, list[RunFact]] = defaultdict(list)
        for inbound in self.records(topics.RUNS_JOURNAL):
            fact = codec.decode_any(inbound.value or b"")
            if isinstance(fact, RunFact) and fact.tenant_id == tenant_id:
                histories[fact.run_id].append(fact)
        for facts in histories.values():
            facts.sort(key=lambda fact: fact.seq)
        return dict(histories)

    def late_results(self, tenant_id: str) -> list[LateResult]:
        """The answers that moved nothing."""
        facts = (codec.decode_any(inbound.value or b"") for inbound in self.records(topics.RUNS_JOURNAL))
        return [fact for fact in facts if isinstance(fact, LateResult) and fact.tenant_id == tenant_id]


def patiently(ask: Callable[[], T]) -> T:
    """The answer to a question to Kafka; asked again while a young or busy broker has none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except KafkaUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


class RunnerProcess:
    """`python -m action_runner` with its own slot."""

    def __init__(self, stage: RunnerStage, folder: Path, slot: int = 0, **environment: str) -> None:
        self.log = folder / f"runner-{slot}.log"
        self._environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": stage.options[BOOTSTRAP_OPTION],
            "SIGNALBOX_WEBHOOK_ALLOW_HOSTS": "127.0.0.1",
            "ACTION_RUNNER_SLOT": str(slot),
            "ACTION_RUNNER_STATIC_MEMBERSHIP": "true",
            **environment,
        }
        self.process: subprocess.Popen[bytes]
        self.start()

    def start(self, **environment: str) -> None:
        """Starts it (again), with more environment."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "action_runner"),
                env={**self._environment, **environment},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The runner did not stop:\n{self.tail()}") from None

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4_000:]


@contextmanager
def running(stage: RunnerStage, folder: Path, slot: int = 0, **environment: str) -> Iterator[RunnerProcess]:
    """A runner that is stopped afterwards, and must stop cleanly."""
    runner = RunnerProcess(stage, folder, slot, **environment)
    try:
        yield runner
    finally:
        code = runner.stop() if runner.process.poll() is None else runner.process.returncode
    assert code == 0, f"exit code {code}\n{runner.tail()}"
