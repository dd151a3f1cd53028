"""The whole of Signalbox, started as its README says and seen only from outside."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition

from signalbox_runtime.testing.waiting import eventually

T = TypeVar("T")
READY_SECONDS = 120


class System:
    """`signalbox up` in a folder of its own."""

    def __init__(self, data: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self._log = (data.parent / f"{data.name}.log").open("a")
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("signalbox")), "up", "--data", str(data), *arguments],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SIGNALBOX_WEBHOOK_ALLOW_HOSTS": "127.0.0.1", **(environment or {})},
        )
        self._await_ready()
        self.api = httpx.Client(
            base_url=self.endpoints["api"],
            headers={"Authorization": f"Bearer {self.endpoints['api_key']}"},
            timeout=30,
        )
        self.crm = httpx.Client(base_url=self.endpoints["sample_crm"], timeout=30)
        self.producer = Producer(
            {"bootstrap.servers": self.endpoints["kafka"], "partitioner": "murmur2_random", "linger.ms": 5}
        )

    @property
    def endpoints(self) -> dict[str, Any]:
        """`endpoints.json` as it is now: pids change when a process is restarted."""
        return dict(json.loads((self.data / "endpoints.json").read_text()))

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not (self.data / "endpoints.json").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                told = Path(self._log.name).read_text()
                self._log.close()
                raise AssertionError(f"signalbox up did not become ready; it said:\n{told}")
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ctrl-C, and a clean end."""
        self.api.close()
        self.crm.close()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self._log.close()
        assert code == 0, Path(self._log.name).read_text()[-4000:]

    # --- what people and programs do with it ---

    def create_workflow(self, document: dict[str, Any], *, active: bool = True) -> str:
        """A workflow from its document; its id."""
        created = self.api.post("/v1/workflows", json=document)
        assert created.status_code == 201, created.text
        workflow_id = str(created.json()["id"])
        if active:
            self.activate(workflow_id)
        return workflow_id

    def activate(self, workflow_id: str) -> None:
        self._bring_into_effect(f"/v1/workflows/{workflow_id}/activate")

    def pause(self, workflow_id: str) -> None:
        self._bring_into_effect(f"/v1/workflows/{workflow_id}/pause")

    def _bring_into_effect(self, path: str) -> None:
        """Asked again while Kafka is too slow to confirm within the two seconds an answer may take (202)."""

        def ask() -> bool:
            answer = self.api.post(path, json={})
            assert answer.status_code in {200, 202}, answer.text
            return answer.status_code == 200

        eventually(ask, f"POST {path} to be in effect")

    def publish(
        self, topic: str, key: str | None, value: bytes, headers: Iterable[tuple[str, bytes]] = ()
    ) -> None:
        """Any bytes on any topic; `flush` waits for them."""
        self.producer.produce(topic, key=key, value=value, headers=list(headers))
        self.producer.poll(0)

    def publish_lead(
        self, event_id: str, record: dict[str, Any], *, event: str = "created", **extra: Any
    ) -> None:
        """A lead's event as CloudEvents JSON."""
        self.publish(
            "crm.leads", f"demo/leads/{record['id']}", cloud_event(event_id, "leads", event, record, **extra)
        )

    def flush(self) -> None:
        assert self.producer.flush(120) == 0

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Every run that the filters let through, newest first."""
        found: list[dict[str, Any]] = []
        parameters: dict[str, Any] = {"limit": 500, **filters}
        while True:
            answer = self.api.get("/v1/runs", params=parameters)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            if page["next"] is None:
                return found
            parameters["cursor"] = page["next"]

    def api_when_it_answers(self, path: str, **parameters: Any) -> dict[str, Any]:
        """A GET that waits while the API is being restarted."""

        def ask() -> dict[str, Any] | None:
            try:
                answer = self.api.get(path, params=parameters)
            except httpx.TransportError:
                return None
            return dict(answer.json()) if answer.status_code == 200 else None

        return eventually(ask, f"an answer to GET {path}")

    def run(self, run_id: str) -> dict[str, Any]:
        answer = self.api.get(f"/v1/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def the_run(self, workflow_id: str, record_id: str, status: str) -> dict[str, Any]:
        """The one run of a workflow for a record, once it has that status."""

        def look() -> dict[str, Any] | None:
            runs = self.runs(workflow_id=workflow_id, record_id=record_id, status=status)
            return self.run(runs[0]["id"]) if len(runs) == 1 else None

        return eventually(look, f"a run of {workflow_id} for {record_id} with status {status}")

    def messages(self) -> list[dict[str, Any]]:
        """What the mailbox took."""
        return list(httpx.get(f"{self.endpoints['mailbox']}/messages").json())

    def read_all(self, topic: str) -> list[tuple[dict[str, bytes], bytes]]:
        """Headers and value of every committed record of a topic."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.endpoints["kafka"],
                "group.id": "tests",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        partitions = list(consumer.list_topics(topic).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        found: list[tuple[dict[str, bytes], bytes]] = []
        open_ends = len(partitions)
        while open_ends:
            message = consumer.poll(10)
            assert message is not None, f"{topic} could not be read to its end"
            if message.error():
                open_ends -= 1
            else:
                headers = dict(message.headers() or [])
                found.append(
                    (
                        {name: value for name, value in headers.items() if isinstance(value, bytes)},
                        message.value() or b"",
                    )
                )
        consumer.close()
        return found

    @contextmanager
    def suspended(self, service: str) -> Iterator[None]:
        """A service that stands still (SIGSTOP), as in a long pause of its machine."""
        pids = self.endpoints["pids"][service]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def kill(self, service: str) -> None:
        """SIGKILL to every process of a service."""
        for pid in self.endpoints["pids"][service]:
            os.kill(pid, signal.SIGKILL)


def cloud_event(event_id: str, module: str, event: str, record: dict[str, Any], **extra: Any) -> bytes:
    """A CloudEvents 1.0 event of a record, as api.md shows it."""
    data = {"record": record, "previous": extra.pop("previous", None), "actor": "u-1", "origin": "ui"}
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/crm/{module}",
            "type": f"crm.{module}.{event}",
            "subject": record["id"],
            "time": datetime.now(UTC).isoformat(),
            "tenantid": "demo",
            "data": data,
            **extra,
        }
    ).encode()


class Receiver:
    """An HTTP server that notes what webhooks bring, and answers as told."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.takes_seconds = 0.0
        self.received: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                receiver.received.append(
                    {"headers": dict(self.headers.items()), "body": body, "path": self.path}
                )
                time.sleep(receiver.takes_seconds)
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Says nothing: the test says what it saw."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def keys(self) -> list[str]:
        """The idempotency keys, in the order they came."""
        return [str(call["headers"]["Idempotency-Key"]) for call in self.received]
