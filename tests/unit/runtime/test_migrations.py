"""The rule by which a start knows without Alembic that there is nothing to migrate."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import run_ledger
import sample_crm
import workflow_api
from signalbox_runtime.database import newest_revision


@pytest.mark.parametrize(
    "package", [run_ledger, workflow_api, sample_crm], ids=lambda package: package.__name__
)
def test_the_newest_revision_is_the_last_by_its_files_name(package: object) -> None:
    migrations = Path(package.__path__[0]) / "migrations"  # type: ignore[attr-defined]
    script = ScriptDirectory(migrations)
    assert script.get_heads() == [newest_revision(migrations)]
    for revision in script.walk_revisions():
        assert Path(revision.path).name.partition("_")[0] == revision.revision
