"""How a download is told on the terminal."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from signalbox_embedded.jars import Jar

_MB = 1_000_000
_LINES_WITHOUT_TERMINAL = 5


class DownloadReport:
    """Says what comes and how big it is, then shows how far it is: a bar on a terminal, else a few lines."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout)
        self._progress: Progress | None = None
        self._size_bytes = 0
        self._received_bytes = 0
        self._lines_printed = 0

    def begin(self, wanted: tuple[Jar, ...], size_bytes: int, folder: Path) -> None:
        self._size_bytes = size_bytes
        self._console.print(
            f"Downloading Apache Kafka: {len(wanted)} jars, {size_bytes / _MB:.1f} MB, into {folder}",
            highlight=False,
            soft_wrap=True,
        )
        if self._console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.add_task("Kafka", total=size_bytes)
            self._progress.start()

    def advance(self, _jar: Jar, received_bytes: int) -> None:
        self._received_bytes += received_bytes
        if self._progress:
            self._progress.advance(self._progress.task_ids[0], received_bytes)
        elif self._received_bytes * _LINES_WITHOUT_TERMINAL >= self._size_bytes * (self._lines_printed + 1):
            self._lines_printed += 1
            print(f"  {self._received_bytes / _MB:.1f} of {self._size_bytes / _MB:.1f} MB", flush=True)

    def end(self) -> None:
        if self._progress:
            self._progress.stop()
