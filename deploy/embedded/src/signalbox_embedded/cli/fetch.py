"""`signalbox fetch`: download what the embedded system needs, once per machine."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from signalbox_embedded import jars
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.jars import Jar
from signalbox_embedded.kafka_start_cache import lacks_start_cache, make_start_cache

_MB = 1_000_000
_LINES_WITHOUT_TERMINAL = 5


class TerminalReport:
    """Says what comes and how big it is, then shows how far it is: a bar on a terminal, else a few lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
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


def fetch_missing() -> None:
    """Download and make what the cache lacks, telling the terminal; silent when nothing is missing.

    Raises: JarRefusedError, EmbeddedError.
    """
    cache = jars.cache_folder()
    jars.fetch(jars.locked(), cache, TerminalReport(Console(file=sys.stdout)))
    if lacks_start_cache(cache):
        print("Letting Java learn to start Kafka quickly: once, about 10 s, 68 MB in the cache", flush=True)
        try:
            make_start_cache(cache)
        except EmbeddedError as error:
            print(f"  {error}\n  Kafka will start all the same, a second or two later.", flush=True)


@click.command()
def fetch() -> None:
    """Download Apache Kafka into the cache, and check every file against the lock."""
    fetch_missing()
    wanted, cache = jars.locked(), jars.cache_folder()
    jars.classpath(wanted, cache)
    print(f"Kafka's {len(wanted)} jars are in {cache}, each with the hash the lock names.")
