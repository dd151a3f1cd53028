"""One CRM for the tests of a module that only talk to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sample_crm.crm import Commander, CrmProcess, running_crm


@pytest.fixture(scope="module")
def crm(
    kafka_bootstrap: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CrmProcess]:
    folder: Path = tmp_path_factory.mktemp("crm")
    with running_crm(kafka_bootstrap, database_url, folder) as process:
        yield process


@pytest.fixture(scope="module")
def commander(crm: CrmProcess, kafka_bootstrap: str) -> Iterator[Commander]:
    commander = Commander(kafka_bootstrap)
    yield commander
    commander.answers.close()
