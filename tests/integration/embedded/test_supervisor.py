"""The supervisor with real processes: they start, are restarted, and none outlives it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from signalbox_embedded.errors import EmbeddedError, ProcessEndedError
from signalbox_embedded.ports import free_ports, is_free
from signalbox_embedded.process import LOG_MAX_BYTES, Command
from signalbox_embedded.readiness import answers
from signalbox_embedded.supervisor import REFUSED_EXIT_CODE, STARTS_BEFORE_GIVING_UP, Service, Supervisor

STAND_IN = Path(__file__).with_name("stand_in.py")


class Notes:
    """What the supervisor reported."""

    def __init__(self) -> None:
        self.readied: list[str] = []
        self.ends: list[tuple[str, str, float]] = []

    def ready(self, service: Service, _seconds: float) -> None:
        self.readied.append(service.name)

    def ended(self, service: Service, outcome: str, restart_in_seconds: float) -> None:
        self.ends.append((service.name, outcome, restart_in_seconds))


class Stage:
    """A supervisor, and stand-ins that write into one journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = Notes()
        self.published: list[dict[str, list[int]]] = []
        self.supervisor = Supervisor(self.notes, self._publish)

    def _publish(self) -> None:
        self.published.append(self.supervisor.pids())

    def stand_in(self, name: str, *options: str, stop_timeout_seconds: float = 4) -> Service:
        port = free_ports(1)[0]
        program = (sys.executable, str(STAND_IN), name, str(port), str(self.folder / "journal"), *options)
        command = Command(program, self.folder / f"{name}.log")
        return Service(name, 0, command, answers(f"http://127.0.0.1:{port}/"), stop_timeout_seconds)

    def failing(self, name: str, exit_code: int = 1) -> Service:
        program = (sys.executable, "-c", f"print('no luck'); raise SystemExit({exit_code})")
        command = Command(program, self.folder / f"{name}.log")
        return Service(name, 0, command, answers("http://127.0.0.1:1/"))

    def journal(self) -> list[str]:
        return (self.folder / "journal").read_text(encoding="utf-8").splitlines()


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = Stage(tmp_path)
    yield made
    await made.supervisor.stop()


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and waits for its parent doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_start_returns_when_every_process_answers(stage: Stage) -> None:
    await stage.supervisor.start([stage.stand_in("one"), stage.stand_in("two")])
    assert sorted(stage.notes.readied) == ["one", "two"]
    assert sorted(stage.supervisor.pids()) == ["one", "two"]


async def test_a_killed_process_is_started_again_at_once_and_its_new_id_published(stage: Stage) -> None:
    service = stage.stand_in("one")
    await stage.supervisor.start([service])
    before = stage.supervisor.pids()["one"][0]
    os.kill(before, signal.SIGKILL)
    await until(lambda: len(stage.published) == 2)
    assert stage.notes.ends == [("one", "SIGKILL", 0.0)]
    assert stage.published[-1]["one"] != [before]
    deadline = time.monotonic() + 10
    while not await service.is_ready():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_process_that_never_gets_ready_ends_the_start_with_its_own_words(stage: Stage) -> None:
    with pytest.raises(ProcessEndedError, match="no luck"):
        await stage.supervisor.start([stage.failing("bad"), stage.stand_in("good")])
    assert len(stage.notes.ends) == STARTS_BEFORE_GIVING_UP - 1
    await stage.supervisor.stop()
    assert stage.supervisor.pids() == {}


async def test_a_process_that_refuses_is_not_started_again(stage: Stage) -> None:
    with pytest.raises(ProcessEndedError, match="bad-0 ended once while starting, last with exit code 78"):
        await stage.supervisor.start([stage.failing("bad", REFUSED_EXIT_CODE)])
    assert stage.notes.ends == []


async def test_a_start_that_the_machine_refuses_is_tried_again(stage: Stage, tmp_path: Path) -> None:
    service = stage.stand_in("one")
    await stage.supervisor.start([service])
    service.command.log.unlink()
    service.command.log.mkdir()  # the log can't be opened
    os.kill(stage.supervisor.pids()["one"][0], signal.SIGKILL)
    await until(lambda: len(stage.notes.ends) >= 2)
    assert "can't write the log" in stage.notes.ends[1][1]
    service.command.log.rmdir()
    await until(lambda: bool(stage.supervisor.pids()))


async def test_a_large_log_is_put_aside_when_its_process_starts(stage: Stage, tmp_path: Path) -> None:
    service = stage.stand_in("talker")
    with service.command.log.open("wb") as log:
        log.truncate(LOG_MAX_BYTES + 1)
    await stage.supervisor.start([service])
    assert service.command.log.stat().st_size < LOG_MAX_BYTES
    assert (tmp_path / "talker.log.1").stat().st_size > LOG_MAX_BYTES


async def test_a_program_that_is_not_there_is_one_sentence(stage: Stage, tmp_path: Path) -> None:
    missing = Service(
        "ghost", 0, Command(("/nowhere/ghost",), tmp_path / "ghost.log"), answers("http://127.0.0.1:1/")
    )
    with pytest.raises(EmbeddedError, match="ghost-0 ended"):
        await stage.supervisor.start([missing])


async def test_stages_stop_in_the_reverse_order(stage: Stage) -> None:
    await stage.supervisor.start([stage.stand_in("base")])
    await stage.supervisor.start([stage.stand_in("first"), stage.stand_in("second")], stop_in_turn=True)
    await stage.supervisor.start([stage.stand_in("top")])
    await stage.supervisor.stop()
    assert [line for line in stage.journal() if line.startswith("ended")] == [
        "ended top",
        "ended first",
        "ended second",
        "ended base",
    ]


async def test_a_process_that_does_not_stop_is_killed_with_what_it_started(stage: Stage) -> None:
    service = stage.stand_in("mule", "--stubborn", "--with-child", stop_timeout_seconds=0.5)
    await stage.supervisor.start([service])
    pid = stage.supervisor.pids()["mule"][0]
    child = int(stage.journal()[0].split()[1])
    assert is_alive(child)
    await stage.supervisor.stop()
    assert "asked mule" in stage.journal()
    await until(lambda: not is_alive(pid) and not is_alive(child))


async def test_what_a_dead_process_started_goes_with_it(stage: Stage) -> None:
    await stage.supervisor.start([stage.stand_in("parent", "--with-child")])
    child = int(stage.journal()[0].split()[1])
    os.kill(stage.supervisor.pids()["parent"][0], signal.SIGKILL)
    await until(lambda: not is_alive(child))


SUPERVISING = """
import asyncio, sys
from pathlib import Path
from tests.integration.embedded.test_supervisor import Stage

async def main():
    stage = Stage(Path(sys.argv[1]))
    await stage.supervisor.start([stage.stand_in("one", "--stubborn"), stage.stand_in("two")])
    print(*(pids[0] for pids in stage.supervisor.pids().values()), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process to its parent")
def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervising:
        assert supervising.stdout
        pids = [int(word) for word in supervising.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        supervising.kill()
    asyncio.run(until(lambda: not any(map(is_alive, pids))))


def test_free_ports_are_different_and_free() -> None:
    found = free_ports(50)
    assert len(set(found)) == 50
    assert all(map(is_free, found))
