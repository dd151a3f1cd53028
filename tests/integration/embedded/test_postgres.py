"""The embedded PostgreSQL, as root and as anyone."""

import os
import signal
from pathlib import Path

import psycopg
import pytest

from signalbox_embedded.errors import EmbeddedError
from signalbox_embedded.postgres import EmbeddedPostgres, PostgresFolder


def test_rows_outlive_a_clean_stop_and_a_kill(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as postgres, psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    with EmbeddedPostgres(tmp_path) as postgres:
        with psycopg.connect(postgres.url) as connection:
            connection.execute("INSERT INTO kept VALUES (2)")
        assert postgres.process
        os.kill(postgres.process.pid, signal.SIGKILL)
    with EmbeddedPostgres(tmp_path) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT n FROM kept ORDER BY n").fetchall() == [(1,), (2,)]


def test_the_folders_above_keep_their_permissions(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "postgres", durable=False):
        pass
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == os.geteuid()
    assert (closed / "postgres").stat().st_mode & 0o777 == 0o700


def test_nobody_enters_without_the_password(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as postgres:
        wrong = postgres.url.replace(postgres.url.split(":")[2].split("@")[0], "guess")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    folder = PostgresFolder(tmp_path, durable=False)
    (tmp_path / "cluster.new").mkdir(parents=True)
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("18\n", encoding="utf-8")
    folder.prepare()
    with EmbeddedPostgres(tmp_path, durable=False) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="for PostgreSQL"):
        EmbeddedPostgres(tmp_path / "file" / "below").start()
