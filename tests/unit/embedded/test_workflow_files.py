"""Files that can't be workflows are refused with their name and place, before anything is sent."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from signalbox_embedded.cli.main import signalbox
from signalbox_embedded.errors import EmbeddedError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: &a [*a]", "alias"),
        ("name: a\nname: b", "line 2, column 1"),
        ("name: a\nactions:\n- type: webhook\n  type: send_email", "'type' comes twice"),
        ("name: !custom a", "!custom"),
        ("[" * 3_000, "nested too deep"),
        ("a: 1\n---\nb: 2", "document"),
        ("name: '\x00'", "can't be read"),
    ],
)
def test_a_file_that_is_no_workflow_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text)
    nowhere = ["--api", "http://127.0.0.1:1", "--key", "k"]
    result = CliRunner().invoke(signalbox, ["workflows", "plan", str(tmp_path), *nowhere])
    assert isinstance(result.exception, EmbeddedError)
    assert "wrong.yaml" in str(result.exception)
    assert says in str(result.exception)
