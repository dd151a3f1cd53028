"""A service's process: how it ends, and what its exit code says."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from signalbox_runtime.errors import ServiceRefused
from signalbox_runtime.process.settings import ServiceSettings
from signalbox_runtime.process.shell import EXIT_CLEAN, EXIT_FAILED, EXIT_REFUSED, Service, run_service


class QuietSettings(ServiceSettings, env_prefix="QUIET_"):
    pass


@pytest.fixture(autouse=True)
def _restored_signals(monkeypatch: pytest.MonkeyPatch) -> object:
    for name in tuple(os.environ):
        if name.startswith(("SIGNALBOX_KAFKA__", "QUIET_")):
            monkeypatch.delenv(name)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


_SIGNALLED = """
import os, signal, sys
from signalbox_runtime.process.shell import run_service
from signalbox_runtime.process.settings import ServiceSettings

def main(service):
    service.on_stop(lambda: print("on_stop"))
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])
    assert service.stopping.wait(20)

sys.exit(run_service("quiet", ServiceSettings, main))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_is_a_clean_stop(name: str) -> None:
    command = [sys.executable, "-c", _SIGNALLED, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == EXIT_CLEAN, done.stderr
    assert "on_stop" in done.stdout.splitlines()
    assert f'"reason": "{name}"' in done.stdout


def test_an_unexpected_error_is_a_failure_that_a_restart_may_heal() -> None:
    def main(_service: Service[QuietSettings]) -> None:
        raise RuntimeError("unexpected")

    assert run_service("quiet", QuietSettings, main) == EXIT_FAILED


def test_what_a_person_must_change_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    def main(service: Service[QuietSettings]) -> None:
        service.kafka.offsets()

    assert run_service("quiet", QuietSettings, main) == EXIT_REFUSED
    assert capfd.readouterr().err == (
        "quiet stops: SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS is not set: give it host:port of a broker.\n"
    )


def test_a_wrong_setting_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUIET_METRICS_PORT", "70000")
    assert run_service("quiet", QuietSettings, lambda _service: None) == EXIT_REFUSED
    assert "metrics_port" in capfd.readouterr().err


def test_options_that_the_promises_rest_on_are_not_for_changing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("SIGNALBOX_KAFKA__ISOLATION_LEVEL", "read_uncommitted")
    assert run_service("quiet", QuietSettings, lambda _service: None) == EXIT_REFUSED


def test_a_thread_that_fails_ends_the_process() -> None:
    def main(service: Service[QuietSettings]) -> None:
        def fail() -> None:
            raise ServiceRefused("the thread can't go on")

        service.start_thread("failing", fail)
        assert service.stopping.wait(10)

    assert run_service("quiet", QuietSettings, main) == EXIT_REFUSED


def test_threads_are_waited_for() -> None:
    ended = threading.Event()

    def main(service: Service[QuietSettings]) -> None:
        def last_words() -> None:
            service.stopping.wait()
            ended.set()

        service.start_thread("last words", last_words)
        service.stop("the test says so")

    assert run_service("quiet", QuietSettings, main) == EXIT_CLEAN
    assert ended.is_set()


def test_the_slot_names_the_process_to_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIET_SLOT", "4")
    seen: list[tuple[str, str | None]] = []

    def main(service: Service[QuietSettings]) -> None:
        seen.append((service.slot_id, service.instance_id))

    assert run_service("quiet", QuietSettings, main) == EXIT_CLEAN
    monkeypatch.setenv("QUIET_STATIC_MEMBERSHIP", "true")
    assert run_service("quiet", QuietSettings, main) == EXIT_CLEAN
    assert seen == [("quiet-4", None), ("quiet-4", "quiet-4")]
