"""`signalbox fetch`: download what the embedded system needs, once per machine."""

import click

from signalbox_embedded import jars
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.kafka_start_cache import lacks_start_cache, make_start_cache


def fetch_missing() -> None:
    """Download and make what the cache lacks, telling the terminal; silent when nothing is missing.

    Raises: JarRefusedError, EmbeddedError.
    """
    cache = jars.cache_folder()
    if jars.missing(jars.locked(), cache):
        from signalbox_embedded.cli.download_report import DownloadReport  # once, and long to load

        jars.fetch(jars.locked(), cache, DownloadReport())
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
