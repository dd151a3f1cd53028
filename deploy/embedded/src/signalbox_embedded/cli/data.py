"""Which system a command means: the embedded one of a data folder, or the cluster the environment names."""

from pathlib import Path

import click

from signalbox_embedded.endpoints import read_endpoints
from signalbox_runtime.settings import kafka_options

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=".signalbox",
    show_default=True,
    envvar="SIGNALBOX_DATA",
    help="Folder with everything the embedded system keeps (or SIGNALBOX_DATA).",
)


def names_a_cluster() -> bool:
    """Whether the environment says which Kafka is meant."""
    return "bootstrap.servers" in kafka_options()


def kafka_options_of(data: Path) -> dict[str, str]:
    """librdkafka's options of the cluster that the environment names, else of the system running in `data`.

    Raises: EmbeddedError when neither is there.
    """
    options = kafka_options()
    if "bootstrap.servers" not in options:
        options["bootstrap.servers"] = read_endpoints(data.absolute() / "endpoints.json").kafka
    return options
