"""`signalbox ledger rebuild`: the run history made anew from the journal, while everything runs."""

import os
import subprocess
import sys
from pathlib import Path

import click

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.endpoints import read_endpoints

_REBUILD_MODULE = "run_ledger.rebuild"
_RETENTION_MODULE = "run_ledger.retention"


@click.group()
def ledger() -> None:
    """Look after the run history of the system that runs in --data."""


@ledger.command()
@data_option
@click.option("--apply", is_flag=True, help="Do it; else it is only said.")
def retention(data: Path, *, apply: bool) -> None:
    """Say which partitions of the history are too old, and drop them with --apply."""
    sys.exit(_run(data, _RETENTION_MODULE, ["--apply"] if apply else []))


@ledger.command()
@data_option
@click.option("--accept-differences", is_flag=True, help="Put it in place even where it differs.")
def rebuild(data: Path, *, accept_differences: bool) -> None:
    """Rebuild the history from the journal beside the one in use, compare the two, and swap them.

    Where they differ it says so and changes nothing. Older months, which the journal does not hold any
    more, are carried over.
    """
    sys.exit(_run(data, _REBUILD_MODULE, ["--accept-differences"] if accept_differences else []))


def _run(data: Path, module: str, words: list[str]) -> int:
    endpoints = read_endpoints(data / "endpoints.json")
    environment = {
        **os.environ,
        "SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS": endpoints.kafka,
        "SIGNALBOX_DATABASE_URL": endpoints.postgres,
    }
    return subprocess.run([sys.executable, "-m", module, *words], env=environment, check=False).returncode
