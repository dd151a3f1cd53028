"""The commands of `signalbox` are found by their names, and only what is asked for is loaded."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from signalbox_embedded.cli.main import COMMANDS, signalbox


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_in_the_module_of_its_name(name: str) -> None:
    with click.Context(signalbox) as context:
        command = signalbox.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.help


def test_help_names_every_command() -> None:
    listed = CliRunner().invoke(signalbox, ["--help"]).output
    assert [name for name in COMMANDS if f"\n  {name}  " not in listed] == []


def test_an_unknown_command_is_a_mistake_that_is_named() -> None:
    answer = CliRunner().invoke(signalbox, ["start"])
    assert answer.exit_code == 2
    assert "No such command 'start'" in answer.output


def test_up_does_not_load_what_it_does_not_need() -> None:
    program = "import sys, signalbox_embedded.cli.up; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"httpx", "rich", "pydantic"}.isdisjoint(shown.stdout.split())
