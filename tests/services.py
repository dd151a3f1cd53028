"""Kafka and PostgreSQL for tests: given ones, else containers where a Docker engine answers, else embedded.

SIGNALBOX_TEST_KAFKA is a bootstrap list, SIGNALBOX_TEST_POSTGRES a postgresql:// URL of a user that may make
databases. The servers are shared by a whole run, so a test names its own topics and groups; `database_url`
is a new database for each test module.
"""

import functools
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from psycopg import sql

from signalbox_embedded import jars
from signalbox_embedded.kafka import EmbeddedKafka
from signalbox_embedded.kafka_settings import broker_settings, plan_brokers
from signalbox_embedded.ports import free_ports
from signalbox_embedded.postgres import EmbeddedPostgres

KAFKA_IMAGE = "apache/kafka:4.4.0"
POSTGRES_IMAGE = "postgres:18"
_WAIT_SECONDS = 60


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """Bootstrap servers of a Kafka with one broker or more."""
    given = os.environ.get("SIGNALBOX_TEST_KAFKA")
    if given:
        yield given
    elif _docker_answers():
        with _kafka_container() as bootstrap:
            yield bootstrap
    else:
        jars.fetch(jars.locked(), jars.cache_folder())
        with tempfile.TemporaryDirectory() as folder, EmbeddedKafka(Path(folder)) as kafka:
            yield kafka.bootstrap


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a database of a PostgreSQL server; its user may make others."""
    given = os.environ.get("SIGNALBOX_TEST_POSTGRES")
    if given:
        yield given
    elif _docker_answers():
        with _postgres_container() as url:
            yield url
    else:
        with (
            tempfile.TemporaryDirectory() as folder,
            EmbeddedPostgres(Path(folder), durable=False) as postgres,
        ):
            yield postgres.url


@pytest.fixture(scope="module")
def database_url(postgres_url: str) -> Iterator[str]:
    """URL of an empty database of this test module's own, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@functools.cache
def _docker_answers() -> bool:
    # The command, not the Python client: that one leaks a socket where no engine listens.
    command = shutil.which("docker")
    if command is None:
        return False
    try:
        return subprocess.run((command, "version"), capture_output=True, timeout=10).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def _kafka_container() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer  # slow to import; most runs need none

    # The host's port is chosen first: the broker has to advertise it.
    port, controller_port = free_ports(2)
    broker = plan_brokers(Path("/var/lib/kafka"), 1, (port, controller_port))[0]
    settings = {
        **broker_settings(broker, (broker,)),
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "log.dirs": "/tmp/kafka",
    }
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    for name, value in settings.items():
        container = container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    with container:
        admin = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                admin.list_topics(timeout=2)
                break
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
        yield broker.address


@contextmanager
def _postgres_container() -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    container = (
        DockerContainer(POSTGRES_IMAGE)
        .with_env("POSTGRES_PASSWORD", "signalbox")
        .with_env("POSTGRES_USER", "signalbox")
        .with_exposed_ports(5432)
    )
    with container:
        port = container.get_exposed_port(5432)
        url = f"postgresql://signalbox:signalbox@{container.get_container_host_ip()}:{port}/signalbox"
        deadline = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                psycopg.connect(url, connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield url
