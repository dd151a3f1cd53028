"""Starting, watching and stopping one operating-system process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from signalbox_embedded.errors import EmbeddedError

LOG_MAX_BYTES = 20_000_000
_LAUNCHER = str(Path(__file__).with_name("launch.py"))


@dataclass(frozen=True, slots=True)
class RunAs:
    """An unprivileged user; `reach` lets it pass through folders that only root may enter."""

    uid: int
    gid: int
    reach: bool


@dataclass(frozen=True, slots=True)
class Command:
    """How to start and stop a process.

    `environment` is added to ours; `folder` is where it runs, if not where we do; output goes to the end of
    `log`. `death_signal` is what the process gets when we end without stopping it, so it must be one that
    can't hang.
    """

    program: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    run_as: RunAs | None = None


def launch_arguments(command: Command) -> tuple[str, ...]:
    """The command line that starts it tied to this process, as `launch` describes."""
    user = command.run_as
    return (
        sys.executable, "-I", "-S", _LAUNCHER,
        str(os.getpid()), str(int(command.death_signal)),
        str(user.uid if user else -1), str(user.gid if user else -1), str(int(bool(user and user.reach))),
        "--", *command.program,
    )  # fmt: skip


def open_log(command: Command) -> BinaryIO:
    """The log to append to; a large one is put aside first, in place of the one put aside before.

    Raises: EmbeddedError when it can't be written.
    """
    try:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        if command.log.exists() and command.log.stat().st_size > LOG_MAX_BYTES:
            command.log.replace(command.log.with_name(command.log.name + ".1"))
        return command.log.open("ab")
    except OSError as error:
        raise EmbeddedError(f"can't write the log {command.log}: {error.strerror or error}") from error


def start(command: Command) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that a Ctrl-C at the terminal reaches only the supervisor.

    The process ends with the *thread* that called this.
    """
    with open_log(command) as log:
        return subprocess.Popen(
            launch_arguments(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
            cwd=command.folder,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, timeout_seconds: float) -> bool:
    """Ask the process to stop, then kill it and what it left behind; True if it stopped when asked."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        return False
    return True


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and every process of its session at once."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.poll()
    process.wait()


def log_end(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8_192))
            text = file.read().decode(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])
