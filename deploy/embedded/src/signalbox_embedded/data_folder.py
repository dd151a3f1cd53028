"""The data folder: what lies where in it, one owner at a time, and the secrets made at the first start."""

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from signalbox_embedded.errors import EmbeddedError

API_KEY_PREFIX = "sbk_"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Everything a start leaves behind and the next one finds again."""

    root: Path

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def mailbox(self) -> Path:
        return self.root / "mailbox"

    @property
    def endpoints(self) -> Path:
        return self.root / "endpoints.json"

    @property
    def secrets_key(self) -> Path:
        """32 random bytes in base64, which encrypt the tenants' secrets."""
        return self.root / "secrets_key"

    @property
    def api_key(self) -> Path:
        """The first tenant's first key, as text."""
        return self.root / "api_key"

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Make the folder and its secrets, and hold it until the end.

        Raises: EmbeddedError when another process holds it, or when it can't be written.
        """
        try:
            lock = self._take()
        except OSError as error:
            raise EmbeddedError(
                f"can't use the data folder {self.root}: {error.strerror or error}"
            ) from error
        with lock:
            yield

    def _take(self) -> TextIO:
        self.root.mkdir(parents=True, exist_ok=True)
        lock = (self.root / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with lock:
                lock.seek(0)
                owner = lock.read().strip() or "unknown"
            raise EmbeddedError(
                f"{self.root} is in use by another Signalbox (process {owner}); "
                "stop that one, or give another folder with --data"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self.logs.mkdir(exist_ok=True)
        _make_secret(self.secrets_key, base64.b64encode(secrets.token_bytes(32)).decode())
        _make_secret(self.api_key, API_KEY_PREFIX + secrets.token_urlsafe(32))
        return lock


def _make_secret(path: Path, text: str) -> None:
    """Write a file only its owner reads, once: a later start keeps the first text."""
    if path.exists():
        return
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)
