"""Which Kafka a command means: the one the environment names, or the embedded one of a data folder."""

from pathlib import Path

from signalbox_embedded.endpoints import read_endpoints
from signalbox_runtime.process.settings import kafka_options


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
