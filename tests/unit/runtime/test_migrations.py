"""Revisions are history, and a start knows without Alembic that there is nothing to migrate."""

import ast
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


@pytest.mark.parametrize(
    "package", [run_ledger, workflow_api, sample_crm], ids=lambda package: package.__name__
)
def test_a_revision_carries_its_own_statements(package: object) -> None:
    """What ran once must not change with the code: a revision imports Alembic and nothing of ours."""
    for revision in (Path(package.__path__[0]) / "migrations" / "versions").glob("*.py"):  # type: ignore[attr-defined]
        for node in ast.walk(ast.parse(revision.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module == "alembic", revision.name
            if isinstance(node, ast.Import):
                pytest.fail(f"{revision.name} imports {node.names[0].name}")
