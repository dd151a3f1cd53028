"""`endpoints.json`: where a running embedded system is found, for people, tests and other programs."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from signalbox_embedded.errors import EmbeddedError


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """The file's fields: addresses and URLs, the first tenant's key, and the processes by service name."""

    kafka: str
    postgres: str
    api: str
    console: str
    sample_crm: str
    smtp: str
    mailbox: str
    api_key: str
    metrics: Mapping[str, str]
    pids: Mapping[str, list[int]]


def write_endpoints(path: Path, endpoints: Endpoints) -> None:
    """Replace the file in one step; only its owner reads it, since it holds a key and a password."""
    text = json.dumps(msgspec.to_builtins(endpoints), indent=2) + "\n"
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def read_endpoints(path: Path) -> Endpoints:
    """The endpoints of the system that runs in a folder.

    Raises: EmbeddedError when none runs there.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Endpoints)
    except FileNotFoundError:
        raise EmbeddedError(
            f"no Signalbox runs in {path.parent}: there is no {path.name}. "
            "Start it with: signalbox up, or name its folder with --data"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise EmbeddedError(f"can't read {path}: {error}") from error
