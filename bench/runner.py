"""The action runner by itself: webhooks, CRM commands, a receiver that hangs, and memory with a long queue.

Tokens are put onto their topics while no runner runs; then one is started, and rates are taken from the times
of the facts it writes, the first fifth left out as warming up. Kafka, receiver and runner share the machine.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from action_runner.actions.webhook import USER_AGENT
from action_runner.adapters.http_client import HttpClient
from action_runner.adapters.http_messages import HttpRequest, HttpResponse
from action_runner.adapters.resolver import Resolver, read_allow_hosts
from action_runner.domain.target import read_target
from bench.fast_receiver import Receiver
from signalbox_contracts import codec, topics
from signalbox_contracts.messages import ActionRequested, RunSucceeded
from signalbox_embedded.kafka import EmbeddedKafka
from tests.integration.action_runner.stage import RunnerProcess, RunnerStage, action, token

REPEATS = 3
WEBHOOKS = 20_000
COMMANDS = 100_000
BARE_REQUESTS = 20_000
DESTINATIONS = 100
TENANTS = 10
WARM_UP_SHARE = 0.2
CONCURRENCY = 50
WAIT_SECONDS = 120
HANGING = "hang"
_SUCCEEDED = codec.encode(RunSucceeded(tenant_id="", run_id="", seq=0, at_ms=0))[:10]
BODY = {"lead": "{{ record.id }}", "name": "{{ record.name }}"}


def run() -> list[dict[str, Any]]:
    """Starts a Kafka and a receiver of its own and measures a runner on them."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        receiver() as port,
        EmbeddedKafka(Path(folder) / "kafka") as kafka,
    ):
        stage = RunnerStage(kafka.bootstrap)
        runner = Runner(stage, Path(folder))
        runner.webhooks(port, 4_000)  # a young broker is slow; its code has to be compiled first
        bare, calls = [], []
        for _ in range(REPEATS):
            bare.append(uvloop.run(bare_client(port)))
            calls.append(runner.webhooks(port, WEBHOOKS))
        commands = [runner.commands(COMMANDS) for _ in range(REPEATS)]
        spread = [runner.spread_webhooks(port, WEBHOOKS, hanging=False) for _ in range(REPEATS)]
        # Last, because what hangs is still there for the next runner.
        hanging = [runner.spread_webhooks(port, WEBHOOKS, hanging=True) for _ in range(REPEATS)]
        falls = [100 * (1 - beside / alone) for beside, alone in zip(hanging, spread, strict=True)]
        return [
            figure("runner.webhooks_per_second", "1/s", calls),
            figure("runner.bare_client_per_second", "1/s", bare),
            figure(
                "runner.webhooks_ratio_to_bare_client",
                "",
                [one / other for one, other in zip(calls, bare, strict=True)],
            ),
            figure("runner.crm_commands_per_second", "1/s", commands),
            # These hold on a busy machine too: the process's own time, its start included.
            figure("runner.cpu_us_per_webhook", "us", runner.webhook_cpu_us),
            figure("runner.cpu_us_per_crm_command", "us", runner.command_cpu_us),
            figure("runner.spread_webhooks_per_second", "1/s", spread),
            figure("runner.fall_of_others_beside_a_hanging_receiver", "%", falls),
            figure("runner.rss_with_100000_queued_mb", "MB", runner.peaks_mb),
        ]


class Runner:
    """Runs one runner process per measurement."""

    def __init__(self, stage: RunnerStage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self.peaks_mb: list[float] = []
        self.webhook_cpu_us: list[float] = []
        self.command_cpu_us: list[float] = []

    def webhooks(self, port: int, count: int) -> float:
        """Webhooks a second to one receiver."""
        url = f"http://127.0.0.1:{port}/leads"
        return self._webhooks(count, lambda _number: url)

    def spread_webhooks(self, port: int, count: int, *, hanging: bool) -> float:
        """Webhooks a second to a hundred receivers, those that never answer not counted."""

        def url(number: int) -> str:
            host = number % DESTINATIONS + 1
            is_hanging = hanging and host == DESTINATIONS
            return f"http://127.0.0.{host}:{port}/{HANGING if is_hanging else 'leads'}"

        return self._webhooks(count, url, lambda run: f"/{HANGING}".encode() not in run.actions[0].parameters)

    def _webhooks(
        self,
        count: int,
        url: Callable[[int], str],
        counted: Callable[[ActionRequested], bool] = lambda _run: True,
    ) -> float:
        mark = uuid.uuid4().hex[:8]
        runs = [
            token(
                f"{mark}-{number % TENANTS}",
                number,
                [action("webhook", {"url": url(number), "body": BODY}, attempts=1, timeout_ms=30_000)],
            )
            for number in range(count)
        ]
        expected = sum(map(counted, runs))
        self._send(runs)
        facts = _Arrivals(self._stage, topics.RUNS_JOURNAL)
        with self._running() as process:
            before = cpu_us(process.process.pid)
            ended = facts.times(mark, expected)
            self.webhook_cpu_us.append((cpu_us(process.process.pid) - before) / count)
        return rate(ended)

    def commands(self, count: int) -> float:
        """CRM commands a second, with all of them queued before."""
        mark = uuid.uuid4().hex[:8]
        parameters = {"field": "priority", "value": "{{ record.name }}"}
        runs = [
            token(f"{mark}-{number % TENANTS}", number, [action("change_field", parameters)])
            for number in range(count)
        ]
        self._send(runs)
        commands = _Arrivals(self._stage, topics.CRM_COMMANDS)
        with self._running() as process:
            before = cpu_us(process.process.pid)
            sent = commands.times(mark, count)
            self.command_cpu_us.append((cpu_us(process.process.pid) - before) / count)
            self.peaks_mb.append(peak_mb(process.process.pid))
        return rate(sent)

    def _send(self, runs: Sequence[ActionRequested]) -> None:
        for run in runs:
            self._stage.start_run(run)
        self._stage.flush()

    @contextmanager
    def _running(self) -> Iterator[RunnerProcess]:
        hosts = ",".join(f"127.0.0.{number + 1}" for number in range(DESTINATIONS))
        process = RunnerProcess(
            self._stage,
            self._folder,
            SIGNALBOX_WEBHOOK_ALLOW_HOSTS=hosts,
            # A machine busy with other things must not look like a slow receiver: nobody relays delays here.
            ACTION_RUNNER_DESTINATION_QUEUE_WAIT_MS="600000",
        )
        try:
            yield process
        finally:
            process.kill()


class _Arrivals:
    """What comes onto a topic from now on. It is read when no more comes: reading takes from the machine."""

    def __init__(self, stage: RunnerStage, topic: str) -> None:
        self._stage = stage
        self._topic = topic
        self._seen = len(stage.records(topic))

    def times(self, mark: str, count: int) -> list[int]:
        """When the `count` records came that belong to `mark`, in ms, sorted."""
        deadline = time.monotonic() + WAIT_SECONDS
        end = self._stage.end(self._topic)
        while True:
            time.sleep(0.5)
            before, end = end, self._stage.end(self._topic)
            if end == before or time.monotonic() > deadline:
                times = self._times(mark)
                if len(times) >= count:
                    return times
                assert time.monotonic() < deadline, f"{len(times)} of {count} on {self._topic}"

    def _times(self, mark: str) -> list[int]:
        return sorted(
            inbound.timestamp_ms
            for inbound in self._stage.records(self._topic)[self._seen :]
            # The last fact of a successful run is small and of one kind: its fingerprint tells.
            if (inbound.key or b"").startswith(mark.encode()) and counts(self._topic, inbound.value or b"")
        )


def counts(topic: str, value: bytes) -> bool:
    """Whether a record ends a measured piece of work."""
    if topic == topics.RUNS_JOURNAL:
        return value[:10] == _SUCCEEDED
    return True


def rate(times: Sequence[int]) -> float:
    """Pieces a second after warming up."""
    first = int(len(times) * WARM_UP_SHARE)
    return (len(times) - 1 - first) * 1000 / max(1, times[-1] - times[first])


def cpu_us(pid: int) -> float:
    """The processor time a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory a process had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def bare_client(port: int) -> float:
    """The HTTP client alone: the same bytes, as many at once as the runner makes to one receiver.

    It is the client of hotpath.md (httptools on uvloop, docs/decisions/0020) with nothing around it: every
    request is put into wire form, sent, and its answer parsed and hashed, like a webhook's.
    """
    client = HttpClient(Resolver(read_allow_hosts("127.0.0.1")))
    target = read_target(f"http://127.0.0.1:{port}/leads")
    numbers = iter(range(BARE_REQUESTS))

    async def one_after_another() -> None:
        for number in numbers:
            key = f"{number:064x}"
            headers = (
                ("User-Agent", USER_AGENT),
                ("Content-Type", "application/json"),
                ("Idempotency-Key", key),
                ("webhook-id", key),
                ("webhook-timestamp", "1795450000"),
            )
            body = b'{"lead":"lead-%d","name":"Lead %d"}' % (number, number)
            answer = await client.send(HttpRequest("POST", target, headers, body), 10)
            assert isinstance(answer, HttpResponse)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_another() for _ in range(CONCURRENCY)))
    seconds = time.perf_counter() - began
    await client.close()
    return BARE_REQUESTS / seconds


class HangingReceiver(Receiver):
    """A fast receiver, but for one path that never answers."""

    def _answer(self, head: bytes) -> None:
        if not head.startswith(f"post /{HANGING}".encode()):
            super()._answer(head)


@contextmanager
def receiver() -> Iterator[int]:
    """A receiver in a process of its own, on every address of 127/8; yields its port."""
    command = (sys.executable, "-m", "bench.runner")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def receive() -> None:
    """Runs the receiver until it is killed."""
    server = await asyncio.get_running_loop().create_server(HangingReceiver, "0.0.0.0", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def figure(name: str, unit: str, runs: Sequence[float]) -> dict[str, Any]:
    """A result: the median of its runs."""
    return {"name": name, "value": sorted(runs)[len(runs) // 2], "unit": unit, "runs": list(runs)}


if __name__ == "__main__":
    uvloop.run(receive())
