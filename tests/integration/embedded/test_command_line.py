"""What a person can put right is one sentence and exit code 1."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from signalbox_embedded import jars
from signalbox_embedded.data_folder import DataFolder

SIGNALBOX = Path(sys.executable).with_name("signalbox")


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SIGNALBOX, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done
    sentence = done.stderr.strip()
    assert sentence.startswith("signalbox: ")
    assert "\n" not in sentence
    return sentence


def test_a_data_folder_in_use_says_by_whom(tmp_path: Path) -> None:
    with DataFolder(tmp_path).owned():
        sentence = refusal(run("up", "--data", tmp_path))
    assert f"{tmp_path} is in use by another Signalbox (process {os.getpid()})" in sentence


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(run("up", "--data", tmp_path / "file" / "below"))


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port} on 127.0.0.1 is in use" in refusal(run("up", "--data", tmp_path, "--port", port))


def test_a_wrong_java_home_is_named(tmp_path: Path) -> None:
    sentence = refusal(run("up", "--data", tmp_path, JAVA_HOME="/nowhere"))
    assert "JAVA_HOME=/nowhere has no bin/java" in sentence


def test_an_old_java_is_named_with_its_version(tmp_path: Path) -> None:
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.touch(mode=0o755)
    (tmp_path / "java" / "release").write_text('JAVA_VERSION="1.8.0_402"\n', encoding="utf-8")
    sentence = refusal(run("up", "--data", tmp_path / "data", JAVA_HOME=str(tmp_path / "java")))
    assert "is Java 8" in sentence


def test_an_unknown_service_is_named(tmp_path: Path) -> None:
    sentence = refusal(run("up", "--data", tmp_path, "--workers", "action-runner=2", "ghost=2"))
    assert "there is no service 'ghost'" in sentence


def test_topics_without_a_running_system_says_how_to_start_one(tmp_path: Path) -> None:
    assert "signalbox up" in refusal(run("topics", "plan", "--data", tmp_path))


def test_a_changed_jar_is_refused_before_it_runs(tmp_path: Path) -> None:
    jars.fetch(jars.locked(), jars.cache_folder())
    shutil.copytree(jars.cache_folder() / "jars", tmp_path / "cache" / "jars")
    victim = tmp_path / "cache" / "jars" / jars.locked()[3].file_name
    victim.write_bytes(victim.read_bytes()[:-1] + b"!")
    for command in (("fetch",), ("up", "--data", str(tmp_path / "data"))):
        sentence = refusal(run(*command, SIGNALBOX_CACHE_DIR=str(tmp_path / "cache")))
        assert f"refused {jars.locked()[3].coordinate}" in sentence


def test_a_cache_that_can_not_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "SIGNALBOX_CACHE_DIR" in refusal(
        run("fetch", SIGNALBOX_CACHE_DIR=str(tmp_path / "file" / "below"))
    )


def test_it_says_its_version() -> None:
    told = run("--version")
    assert (told.returncode, told.stdout.split()[0]) == (0, "signalbox")
