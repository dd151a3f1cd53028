"""Keeps processes running: starts them, waits until they are ready, restarts what dies, stops them cleanly.

A process's life, as one task of `Supervisor` leads it:

    started ── answers ──► ready ── ends ──► waits its backoff ──► started …
       └────── ends ─────► waits its backoff; the fifth time before it was ever ready, starting fails,
                           and at once with exit code 78: a person has to change something first

The first restart is at once: a dead process's Kafka partitions and open transaction wait for its slot.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from signalbox_embedded.errors import EmbeddedError, ProcessEndedError
from signalbox_embedded.process import Command, launch_arguments, log_end, open_log

STOP_TIMEOUT_SECONDS = 4.0
BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_MAX_SECONDS = 10.0
STARTS_BEFORE_GIVING_UP = 5
STABLE_SECONDS = 20.0
"""Running this long counts as healthy: the next death begins with an immediate restart again."""
REFUSED_EXIT_CODE = 78
"""How our services say that no restart will help (EX_CONFIG of sysexits.h)."""
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep running. `is_ready` asks it from outside; it never raises."""

    name: str
    slot: int
    command: Command
    is_ready: Callable[[], Awaitable[bool]]
    stop_timeout_seconds: float = STOP_TIMEOUT_SECONDS
    ready_timeout_seconds: float = 120.0

    @property
    def title(self) -> str:
        return f"{self.name}-{self.slot}"


class Report(Protocol):
    """Told what becomes of the processes."""

    def ready(self, service: Service, seconds: float) -> None: ...
    def ended(self, service: Service, outcome: str, restart_in_seconds: float) -> None: ...


def backoff_seconds(deaths: int) -> float:
    """How long to wait before the restart after the nth death in a row, the first being 1."""
    if deaths <= 1:
        return 0.0
    return min(BACKOFF_FIRST_SECONDS * 2.0 ** (deaths - 2), BACKOFF_MAX_SECONDS)


class Supervisor:
    """Runs services in one event loop. The processes end with the thread of that loop.

    `on_started` is called whenever a process has been started, so that whoever publishes `pids()` can do so.
    """

    def __init__(self, report: Report, on_started: Callable[[], object]) -> None:
        self._report = report
        self._on_started = on_started
        self._stages: list[_Stage] = []

    async def start(self, services: Sequence[Service], *, stop_in_turn: bool = False) -> None:
        """Start these at once and wait until all are ready; from then on they are restarted when they die.

        They are a stage: stages stop in the reverse order, and the services of one together, or each after
        the one before it if `stop_in_turn`. Raises: EmbeddedError when one can't be brought up; what was
        started is still to be stopped.
        """
        stage = _Stage([_Kept(service, self._report, self._on_started) for service in services], stop_in_turn)
        self._stages.append(stage)
        for kept in stage.kept:
            kept.begin()
        waits = [asyncio.create_task(kept.until_ready()) for kept in stage.kept]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()

    def pids(self) -> dict[str, list[int]]:
        """Of the processes running now, by service, in the order of their slots."""
        found: dict[str, list[int]] = {}
        for stage in self._stages:
            for kept in stage.kept:
                if kept.pid is not None:
                    found.setdefault(kept.service.name, []).append(kept.pid)
        return found

    async def stop(self) -> None:
        """Stop everything, the stage last started first."""
        while self._stages:
            stage = self._stages.pop()
            for kept in stage.kept:
                await kept.release()
            if stage.stop_in_turn:
                for kept in stage.kept:
                    await kept.stop()
            else:
                await asyncio.gather(*(kept.stop() for kept in stage.kept))


class _Kept:
    """One service and the task that keeps its process running."""

    def __init__(self, service: Service, report: Report, on_started: Callable[[], object]) -> None:
        self.service = service
        self._report = report
        self._on_started = on_started
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._deaths = 0
        self._was_ready = False

    @property
    def pid(self) -> int | None:
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=self.service.title)

    async def until_ready(self) -> None:
        """Wait for the first time it is ready."""
        assert self._task
        began = time.monotonic()
        while not (self.pid is not None and await self.service.is_ready()):
            if self._task.done():
                self._task.result()  # raises why it gave up
            if time.monotonic() - began > self.service.ready_timeout_seconds:
                raise EmbeddedError(
                    f"{self.service.title} was not ready after {self.service.ready_timeout_seconds:.0f} s; "
                    f"see {self.service.command.log}"
                )
            await asyncio.sleep(_POLL_SECONDS)
        self._was_ready = True
        self._report.ready(self.service, time.monotonic() - began)

    async def release(self) -> None:
        """Restart it no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self) -> None:
        """Ask it to stop, wait, and kill what is left of it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        _signal(process.pid, self.service.command.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self.service.stop_timeout_seconds)
        except TimeoutError:
            _signal_session(process.pid)
            await process.wait()

    async def _keep(self) -> None:
        while True:
            began = time.monotonic()
            try:
                exit_code = await self._run_once()
                outcome = _outcome(exit_code)
            except (OSError, EmbeddedError) as error:  # no log, no process: a full disk, too many processes
                exit_code, outcome = None, str(error)
            self._deaths = 1 if time.monotonic() - began > STABLE_SECONDS else self._deaths + 1
            if not self._was_ready and (
                self._deaths >= STARTS_BEFORE_GIVING_UP or exit_code == REFUSED_EXIT_CODE
            ):
                raise self._given_up(outcome)
            delay_seconds = backoff_seconds(self._deaths)
            self._report.ended(self.service, outcome, delay_seconds)
            await asyncio.sleep(delay_seconds)

    def _given_up(self, outcome: str) -> ProcessEndedError:
        log = self.service.command.log
        times = "once" if self._deaths == 1 else f"{self._deaths} times"
        return ProcessEndedError(
            f"{self.service.title} ended {times} while starting, last with {outcome}; "
            f"the end of {log}:\n{log_end(log)}"
        )

    async def _run_once(self) -> int:
        command = self.service.command
        with open_log(command) as log:
            self._process = await asyncio.create_subprocess_exec(
                *launch_arguments(command),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                env={**os.environ, **command.environment},
                cwd=command.folder,
                start_new_session=True,
            )
        self._on_started()
        exit_code = await self._process.wait()
        _signal_session(self._process.pid)  # what it started goes with it
        return exit_code


def _outcome(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_session(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


@dataclass(frozen=True, slots=True)
class _Stage:
    kept: Sequence[_Kept]
    stop_in_turn: bool
