"""One running system for all end-to-end tests: each uses workflows and records of its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import Receiver, System


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        System(Path(folder) / "data") as running,
    ):
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening
