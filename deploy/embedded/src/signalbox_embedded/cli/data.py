"""Which embedded system a command means."""

from pathlib import Path

import click

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=".signalbox",
    show_default=True,
    envvar="SIGNALBOX_DATA",
    help="Folder with everything the embedded system keeps (or SIGNALBOX_DATA).",
)
