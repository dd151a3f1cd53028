"""The sample CRM as a process on real Kafka and PostgreSQL, and a look at what it publishes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from signalbox_contracts import codec, topics
from signalbox_contracts.ids import lane
from signalbox_contracts.messages import CrmCommand, CrmCommandResult
from signalbox_contracts.messages import Message as Contract
from signalbox_embedded.ports import free_ports
from signalbox_runtime.testing.waiting import PATIENCE_SECONDS, eventually
from tests.declared_topics import apply_topics


class CrmProcess:
    """One `python -m sample_crm`; `stop` and `start` keep its ports and its database."""

    def __init__(self, bootstrap: str, database_url: str, folder: Path, **environment: str) -> None:
        self.http_port, self.metrics_port = free_ports(2)
        self._log = folder / "crm.log"
        self._environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "SIGNALBOX_DATABASE_URL": database_url,
            "SAMPLE_CRM_HTTP_PORT": str(self.http_port),
            "SAMPLE_CRM_METRICS_PORT": str(self.metrics_port),
            "SAMPLE_CRM_TICK_MS": "50",
            **environment,
        }
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}", timeout=20)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sample_crm"],
                env={**self._environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def await_ready(self) -> None:
        def is_ready() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(
                    f"the CRM ended with {self._process.returncode}:\n{self._log.read_text()}"
                )
            try:
                return httpx.get(f"http://127.0.0.1:{self.metrics_port}/readyz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        try:
            eventually(is_ready, "the CRM is ready")
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.said}") from error

    def await_end(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> int:
        """A clean stop; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.await_end()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def said(self) -> str:
        return self._log.read_text()

    def call(self, method: str, path: str, body: Any = None, **parameters: Any) -> Any:
        """A call that has to succeed; what it answers."""
        answer = self.http.request(method, path, json=body, params=parameters or None)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()


@contextmanager
def running_crm(bootstrap: str, database_url: str, folder: Path) -> Iterator[CrmProcess]:
    """A CRM that is ready, stopped at the end of the block."""
    apply_topics(bootstrap)
    crm = CrmProcess(bootstrap, database_url, folder)
    crm.start()
    try:
        crm.await_ready()
        yield crm
        assert crm.stop() == 0, crm.said
    except BaseException:
        crm.kill()
        raise
    finally:
        crm.http.close()


class Tap:
    """Reads committed messages of some topics from now on."""

    def __init__(self, bootstrap: str, names: Sequence[str]) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "tap",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        admin = AdminClient({"bootstrap.servers": bootstrap})
        known = admin.list_topics(timeout=20).topics
        places = [TopicPartition(name, number) for name in names for number in known[name].partitions]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=20)[1]
        self._consumer.assign(places)
        self.seen: list[Message] = []

    def close(self) -> None:
        self._consumer.close()

    def messages(self, quiet_seconds: float = 0.3) -> list[Message]:
        """Everything so far; returns once nothing has come for `quiet_seconds`."""
        while (message := self._consumer.poll(quiet_seconds)) is not None:
            assert message.error() is None, message.error()
            self.seen.append(message)
        return self.seen

    def contents(self, kind: type[Contract], count: int) -> list[Any]:
        """The messages of one kind, once there are at least `count`."""

        def look() -> list[Contract] | None:
            found = [codec.decode_any(message.value() or b"") for message in self.messages(0.1)]
            chosen = [each for each in found if isinstance(each, kind)]
            return chosen if len(chosen) >= count else None

        eventually(look, f"{count} messages of kind {kind.__name__}")
        self.messages()
        return look() or []


class Commander:
    """Sends commands as a runner would, and keeps their answers."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
        self.answers = Tap(bootstrap, [topics.CRM_COMMAND_RESULTS])

    def send(self, *commands: CrmCommand) -> None:
        for command in commands:
            key = lane(command.tenant_id, command.module, command.record_id)
            self._producer.produce(topics.CRM_COMMANDS, codec.encode(command), key)
        assert self._producer.flush(20) == 0

    def send_raw(self, key: bytes, value: bytes) -> None:
        self._producer.produce(topics.CRM_COMMANDS, value, key)
        assert self._producer.flush(20) == 0

    def answers_to(self, command_id: str, count: int = 1) -> list[CrmCommandResult]:
        """The answers to one command, once there are at least `count`."""

        def look() -> list[CrmCommandResult] | None:
            found = [
                codec.decode(message.value() or b"", CrmCommandResult)
                for message in self.answers.messages(0.1)
            ]
            chosen = [each for each in found if each.command_id == command_id]
            return chosen if len(chosen) >= count else None

        return eventually(look, f"{count} answers to {command_id}")


def command(kind: str, parameters: Mapping[str, Any], record_id: str, **changes: Any) -> CrmCommand:
    """A command of workflow `wf-1` on a lead."""
    named = {
        "command_id": f"cmd-{kind}-{record_id}",
        "tenant_id": "demo",
        "module": "leads",
        "record_id": record_id,
        "type": kind,
        "parameters": msgspec.json.encode(parameters),
        "workflow_id": "wf-1",
        "run_id": "01a207d9-2100-8017-9cc6-f2985c7170ce",
        "event_id": "evt-1",
        "issued_at_ms": 1,
        "deadline_ms": 2,
        "reply_context": b"\x00context of " + record_id.encode(),
    }
    return CrmCommand(**{**named, **changes})
