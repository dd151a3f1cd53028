"""Starts, stops and asks copy_service."""

import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError

import msgspec

from signalbox_runtime.testing.waiting import eventually

_SCRIPT = Path(__file__).with_name("copy_service.py")
_END_SECONDS = 60


class CopyProcess:
    """One process of copy_service, ended with the `with` block."""

    def __init__(
        self,
        bootstrap: str,
        group: str,
        source: str,
        target: str,
        port: int,
        fault: str = "",
        **settings: str | float,
    ) -> None:
        self.port = port
        self._environment = {
            **os.environ,
            "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "SIGNALBOX_FAULT": fault,
            "COPY_GROUP": group,
            "COPY_SOURCE": source,
            "COPY_TARGET": target,
            "COPY_METRICS_PORT": str(port),
            **{f"COPY_{name.upper()}": str(value) for name, value in settings.items()},
        }

    def __enter__(self) -> Self:
        # A file, not a pipe: nobody reads while it runs, and a full pipe would stop it.
        self._output = tempfile.TemporaryFile()
        self.process = self._started()
        return self

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, str(_SCRIPT)],
            env=self._environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        if kind is not None:
            sys.stdout.write(self.output())
        self._output.close()

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def exit_code(self) -> int:
        """Waits for the end."""
        return self.process.wait(_END_SECONDS)

    def output(self) -> str:
        """All that it wrote; it must have ended."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")

    def keep_up(self) -> None:
        """Starts it again if it ended, as a supervisor does."""
        if self.process.poll() is not None:
            self.process = self._started()

    def is_stopped(self) -> bool:
        """Whether it is stopped by SIGSTOP (Linux)."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def wait_ready(self) -> None:
        """Waits until /readyz says yes."""
        eventually(lambda: self.unmet() == {}, "readiness of the process")

    def unmet(self) -> dict[str, str] | None:
        """The reasons in /readyz; None when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                body: Any = msgspec.json.decode(answer.read())
        except HTTPError as error:
            with error:
                body = msgspec.json.decode(error.read())
        except (URLError, ConnectionError, TimeoutError):
            return None
        reasons: dict[str, str] = body["reasons"]
        return reasons
