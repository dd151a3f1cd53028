"""`signalbox up` as a whole: what it publishes about itself, and what happens when its processes die."""

import os
import signal
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from signalbox_embedded.endpoints import Endpoints, read_endpoints
from signalbox_embedded.service_kinds import SERVICE_KINDS
from signalbox_runtime.testing.waiting import PATIENCE_SECONDS, eventually
from tests.e2e.system import System

INFRASTRUCTURE = {"kafka", "postgres", "mailbox"}


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def system(data: Path) -> Iterator[System]:
    running = System(data, "--workers", "trigger-router=2")
    yield running
    if running.process.poll() is None:
        running.stop()


def endpoints(data: Path) -> Endpoints:
    return read_endpoints(data / "endpoints.json")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (OSError, httpx.HTTPError, psycopg.OperationalError, smtplib.SMTPException, KafkaException):
        return False
    return True


def send_mail(smtp: str, subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", subject
    message.set_content("Hello")
    host, _, port = smtp.partition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as client:
        client.send_message(message)


def subjects(mailbox: str) -> list[str]:
    return [message["subject"] for message in httpx.get(f"{mailbox}/messages").json()]


def kill_and_await_successor(system: System, data: Path, name: str) -> None:
    """SIGKILL the first process of a service, and wait until `endpoints.json` names another."""
    before = system.endpoints["pids"][name][0]
    os.kill(before, signal.SIGKILL)

    def successor() -> bool:
        pids: dict[str, Any] = system.endpoints["pids"]
        return name in pids and before not in pids[name] and all(map(is_alive, pids[name]))

    eventually(successor, f"another process of {name}")


def test_the_endpoints_name_everything_that_runs(system: System, data: Path) -> None:
    published = system.endpoints
    assert set(published) == set(Endpoints.__struct_fields__)
    services = {kind.name for kind in SERVICE_KINDS}
    assert set(published["pids"]) == services | INFRASTRUCTURE
    assert set(published["metrics"]) == services | {"trigger-router-1"}
    assert [len(published["pids"][name]) for name in ("trigger-router", "kafka")] == [2, 1]
    assert all(is_alive(pid) for pids in published["pids"].values() for pid in pids)
    for url in published["metrics"].values():
        assert "# HELP" in httpx.get(url).text
    assert published["api_key"].startswith("sbk_")
    assert published["api_key"] == (data / "api_key").read_text()
    assert (data / "endpoints.json").stat().st_mode & 0o777 == 0o600


def test_a_second_start_in_the_same_folder_is_refused(system: System, data: Path) -> None:
    second = subprocess.run(
        [Path(sys.executable).with_name("signalbox"), "up", "--data", data],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 1
    assert f"in use by another Signalbox (process {system.process.pid})" in second.stderr


def test_the_doctor_finds_nothing(system: System, data: Path) -> None:
    def examine() -> str | None:
        done = subprocess.run(
            [Path(sys.executable).with_name("signalbox"), "doctor", "--data", data],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.stdout if done.returncode == 0 else None

    report = eventually(examine, "a report without a failure")
    for group in ("trigger-router", "action-runner", "run-ledger"):
        assert f"group {group}" in report


@pytest.mark.parametrize("name", ["delay-relay", "workflow-api"])
def test_a_killed_service_comes_back_on_its_ports(system: System, data: Path, name: str) -> None:
    kill_and_await_successor(system, data, name)
    ready_url = system.endpoints["metrics"][name].replace("/metrics", "/readyz")
    eventually(lambda: answers(lambda: httpx.get(ready_url).raise_for_status()), ready_url)


def test_a_killed_mailbox_comes_back_with_its_messages(system: System, data: Path) -> None:
    send_mail(system.endpoints["smtp"], "before")
    kill_and_await_successor(system, data, "mailbox")
    eventually(lambda: answers(lambda: send_mail(system.endpoints["smtp"], "after")), "the mail server")
    kept = subjects(system.endpoints["mailbox"])
    assert kept.index("before") < kept.index("after")


def test_a_killed_postgres_comes_back_with_its_rows(system: System, data: Path) -> None:
    url = system.endpoints["postgres"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS embedded_test (n int)")
        connection.execute("INSERT INTO embedded_test VALUES (1)")
    kill_and_await_successor(system, data, "postgres")
    eventually(lambda: answers(lambda: psycopg.connect(url).close()), "PostgreSQL")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM embedded_test").fetchall() == [(1,)]
        connection.execute("DROP TABLE embedded_test")


def test_a_killed_broker_comes_back_with_its_records(system: System, data: Path) -> None:
    options: dict[str, str | int | float | bool]
    options = {"bootstrap.servers": system.endpoints["kafka"], "log_level": 0}
    producer = Producer({**options, "message.timeout.ms": PATIENCE_SECONDS * 1000})
    deliver(producer, b"kept")
    kill_and_await_successor(system, data, "kafka")
    deliver(producer, b"new")
    consumer = Consumer({**options, "group.id": "embedded-test", "enable.auto.commit": False})
    consumer.assign([TopicPartition("workflows.alerts", 0, 0)])
    values: list[bytes | None] = []

    def have_all_come() -> bool:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            values.append(message.value())
        return b"new" in values

    eventually(have_all_come, "the record sent after the kill")
    consumer.close()
    assert values.index(b"kept") < values.index(b"new")


def deliver(producer: Producer, value: bytes) -> None:
    """Sends it, and sees it acknowledged."""
    errors: list[object] = []
    producer.produce(
        "workflows.alerts",
        value,
        b"demo/embedded-test",
        partition=0,
        on_delivery=lambda error, _message: errors.append(error),
    )
    assert producer.flush(PATIENCE_SECONDS) == 0
    assert errors == [None]


def test_the_mailbox_refuses_when_told_to(system: System) -> None:
    mailbox = system.endpoints["mailbox"]
    try:
        httpx.put(f"{mailbox}/behaviour", json={"reply": "451 4.3.0 try later"}).raise_for_status()
        with pytest.raises(smtplib.SMTPDataError, match="try later"):
            send_mail(system.endpoints["smtp"], "deferred")
        httpx.put(
            f"{mailbox}/behaviour", json={"reply": "550 5.1.1 unknown", "at": "recipient"}
        ).raise_for_status()
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send_mail(system.endpoints["smtp"], "refused")
        assert httpx.put(f"{mailbox}/behaviour", json={"replies": "x"}).status_code == 422
        httpx.put(f"{mailbox}/behaviour", json={"reply": "451 4.3.0 lost", "keep": True}).raise_for_status()
        with pytest.raises(smtplib.SMTPDataError, match="lost"):
            send_mail(system.endpoints["smtp"], "kept")
    finally:
        httpx.put(f"{mailbox}/behaviour", json={}).raise_for_status()
    assert {"deferred", "refused", "kept"} & set(subjects(mailbox)) == {"kept"}


def test_a_stop_is_clean_and_a_start_finds_everything_again(system: System, data: Path) -> None:
    pids = [pid for several in system.endpoints["pids"].values() for pid in several]
    key, mails = system.endpoints["api_key"], subjects(system.endpoints["mailbox"])
    system.stop()
    assert not (data / "endpoints.json").exists()
    assert not any(map(is_alive, pids))
    with System(data) as again:
        assert again.endpoints["api_key"] == key
        assert subjects(again.endpoints["mailbox"]) == mails
        assert again.api.get("/v1/workflows").status_code == 200


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    running = System(tmp_path / "data")
    pids = [pid for several in running.endpoints["pids"].values() for pid in several]
    running.process.kill()
    with pytest.raises(AssertionError):  # as it was killed, its end isn't the clean one that `stop` expects
        running.stop()
    eventually(lambda: not any(map(is_alive, pids)), "the end of every process")
    (tmp_path / "data" / "endpoints.json").unlink()  # nobody was left to do it
    with System(tmp_path / "data"):
        pass
