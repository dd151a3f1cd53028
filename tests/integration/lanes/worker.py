"""A process of the group under test: its calls are lines in a file, written before and after a sleep.

Lines of the journal: `<what> <pid> <partition> <offset> <key> <monotonic ns>`, what being B (call begins),
E (call ended) or S (skipped: finished earlier). LANES_TEST_WITHOUT takes a guard out: `drain`, `metadata`.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic_settings import SettingsConfigDict

from signalbox_runtime.loops.lanes import finished_offsets
from signalbox_runtime.loops.lanes.handler import LaneHandler, LaneLimits, Work
from signalbox_runtime.loops.lanes.service import run_lanes
from signalbox_runtime.process.settings import ServiceSettings
from signalbox_runtime.process.shell import Service, run_service
from signalbox_runtime.records import Inbound, Outbound, Outbox, TopicPartition

TOPIC = os.environ["LANES_TEST_TOPIC"]
OUTPUT = os.environ["LANES_TEST_OUTPUT"]
WITHOUT = os.environ.get("LANES_TEST_WITHOUT", "")


class WorkerSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="LANES_TEST_", extra="ignore")


class Caller:
    """The value of a record is `<destination> <milliseconds>`."""

    def __init__(self, journal: int) -> None:
        self._journal = journal

    def assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        return None

    def revoked(self, partitions: frozenset[TopicPartition]) -> None:
        return None

    def skipped(self, inbound: Inbound) -> None:
        self._write("S", inbound)

    def tenant_of(self, inbound: Inbound) -> str | None:
        return "acme"

    def accept(self, inbound: Inbound) -> Work[float]:
        destination, milliseconds = (inbound.value or b"").decode().split()
        return Work(inbound, "acme", destination, int(milliseconds) / 1000)

    def execute(self, work: Work[float]) -> Coroutine[Any, Any, Outbox]:
        return self._call(work)

    def overflow(self, work: Work[float], wait_ms: int) -> Outbox:
        raise AssertionError("nothing is slow enough here")

    async def _call(self, work: Work[float]) -> Outbox:
        self._write("B", work.inbound)
        await asyncio.sleep(work.content)
        self._write("E", work.inbound)
        inbound = work.inbound
        return Outbox(
            (Outbound(OUTPUT, inbound.key or b"", f"{inbound.partition} {inbound.offset}".encode()),)
        )

    def _write(self, what: str, inbound: Inbound) -> None:
        key = (inbound.key or b"").decode()
        line = f"{what} {os.getpid()} {inbound.partition} {inbound.offset} {key} {time.monotonic_ns()}\n"
        os.write(self._journal, line.encode())


@asynccontextmanager
async def open_handler() -> AsyncIterator[LaneHandler[float]]:
    journal = os.open(os.environ["LANES_TEST_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    yield Caller(journal)
    os.close(journal)


def main(service: Service[WorkerSettings]) -> None:
    limits = LaneLimits(drain_seconds=0 if WITHOUT == "drain" else 25)
    run_lanes(service, topics=[TOPIC], open_handler=open_handler, limits=limits)


if __name__ == "__main__":
    if WITHOUT == "metadata":
        finished_offsets.encode = lambda base, finished: ""
    sys.exit(run_service(os.environ["LANES_TEST_GROUP"], WorkerSettings, main))
