"""What can be checked from outside about a machine and a running system: one finding, one line."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg

from signalbox_contracts.topics import EMBEDDED_LANE_PARTITIONS, all_topics
from signalbox_embedded import jars
from signalbox_embedded.endpoints import Endpoints, read_endpoints
from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.java import java_executable
from signalbox_embedded.ports import is_listening
from signalbox_runtime.errors import TopicAdminError
from signalbox_runtime.kafka import topic_admin
from signalbox_runtime.kafka.topic_plan import plan

_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is in order, and what was seen."""

    what: str
    in_order: bool
    seen: str


def examine(data: Path) -> Iterator[Finding]:
    """The machine, then, if a system runs in the data folder, that system."""
    yield _python()
    yield _java()
    yield _cache()
    try:
        endpoints = read_endpoints(data / "endpoints.json")
    except EmbeddedError as error:
        yield Finding("system", in_order=False, seen=str(error))
        return
    yield from _ports(endpoints)
    yield from _kafka(endpoints.kafka)
    yield _postgres(endpoints.postgres)
    yield from _services(endpoints.metrics)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", sys.version_info >= (3, 11), f"{version} at {sys.executable}")


def _java() -> Finding:
    try:
        return Finding("Java", in_order=True, seen=str(java_executable()))
    except EmbeddedError as error:
        return Finding("Java", in_order=False, seen=str(error))


def _cache() -> Finding:
    wanted, cache = jars.locked(), jars.cache_folder()
    try:
        jars.classpath(wanted, cache)
    except EmbeddedError as error:
        return Finding("downloads", in_order=False, seen=str(error))
    return Finding("downloads", in_order=True, seen=f"{len(wanted)} jars in {cache}, hashes as locked")


def _ports(endpoints: Endpoints) -> Iterator[Finding]:
    places = {
        "API": endpoints.api,
        "sample CRM": endpoints.sample_crm,
        "SMTP": f"smtp://{endpoints.smtp}",
        "mailbox": endpoints.mailbox,
    }
    for what, url in places.items():
        port = urlsplit(url).port or 0
        listening = is_listening(port)
        yield Finding(what, listening, f"{url} {'listens' if listening else 'does not listen'}")


def _kafka(bootstrap: str) -> Iterator[Finding]:
    options: Mapping[str, str] = {
        "bootstrap.servers": bootstrap,
        "socket.connection.setup.timeout.ms": "3000",
    }
    silent = [place for place in bootstrap.split(",") if not is_listening(int(place.rpartition(":")[2]))]
    if silent:
        yield Finding("Kafka", in_order=False, seen=f"{', '.join(silent)} does not listen")
        return
    try:
        steps = plan(all_topics(), topic_admin.look(options, all_topics()), EMBEDDED_LANE_PARTITIONS)
        behind = topic_admin.lags(options, all_topics())
    except TopicAdminError as error:
        yield Finding("Kafka", in_order=False, seen=str(error))
        return
    declared = "; ".join(map(str, steps)) or f"{len(all_topics())} topics as declared"
    yield Finding("Kafka", not steps, f"{bootstrap}, {declared}")
    for group, count in behind.items():
        yield Finding(f"group {group}", in_order=True, seen=f"{count} offsets behind")


def _postgres(url: str) -> Finding:
    place = urlsplit(url).netloc.rpartition("@")[2]
    try:
        with psycopg.connect(url, connect_timeout=int(_TIMEOUT_SECONDS)) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    except psycopg.OperationalError as error:
        return Finding("PostgreSQL", in_order=False, seen=f"{place}: {str(error).splitlines()[0]}")
    return Finding("PostgreSQL", in_order=True, seen=f"{place}, version {row[0] if row else 'unknown'}")


def _services(metrics: Mapping[str, str]) -> Iterator[Finding]:
    with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        for name, url in metrics.items():
            ready_url = url.removesuffix("/metrics") + "/readyz"
            try:
                answer = client.get(ready_url)
            except httpx.HTTPError as error:
                yield Finding(name, in_order=False, seen=f"{ready_url}: {error}")
                continue
            yield Finding(
                name, answer.status_code == httpx.codes.OK, f"{ready_url} says {answer.text.strip()[:300]}"
            )
