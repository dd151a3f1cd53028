"""`signalbox doctor`: what is in order and what isn't, a line each."""

import sys
from pathlib import Path

import click

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.doctor import examine


@click.command()
@data_option
def doctor(data: Path) -> None:
    """Check Java, downloads, ports, Kafka, PostgreSQL and each service; exit code 1 if anything is wrong."""
    healthy = True
    for finding in examine(data.absolute()):
        healthy &= finding.in_order
        print(f"{'ok  ' if finding.in_order else 'FAIL'} {finding.what:<28} {finding.seen}", flush=True)
    if not healthy:
        sys.exit(1)
