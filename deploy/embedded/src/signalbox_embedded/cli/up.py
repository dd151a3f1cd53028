"""`signalbox up`: the embedded system in the foreground."""

from pathlib import Path

import click

from signalbox_embedded.cli.data import data_option
from signalbox_embedded.cli.foreground import run_in_foreground
from signalbox_embedded.service_kinds import parse_workers
from signalbox_embedded.system import Options


@click.command()
@data_option
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the API; a free one unless set.")
@click.option(
    "--workers", multiple=True, metavar="SERVICE=N...", help="How many processes of a service there are."
)
@click.option(
    "--brokers", type=click.Choice(["1", "3"]), default="1", show_default=True, help="How many Kafka brokers."
)
@click.argument("more_workers", nargs=-1, metavar="")
def up(
    data: Path, port: int | None, workers: tuple[str, ...], more_workers: tuple[str, ...], brokers: str
) -> None:
    """Start the embedded system and stay in the foreground; Ctrl-C stops it cleanly."""
    counts = parse_workers((*workers, *more_workers))  # `--workers a=2 b=3` gives the second as an argument
    run_in_foreground(Options(data.absolute(), int(brokers), port, counts))
