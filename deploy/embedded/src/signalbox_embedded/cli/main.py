"""The `signalbox` command."""

import importlib
import sys
from typing import Final

import click

from signalbox_embedded.errors import EmbeddedError

COMMANDS: Final = (
    "up",
    "demo",
    "fetch",
    "topics",
    "conformance",
    "doctor",
    "runs",
    "ledger",
    "workflows",
    "dead-letters",
)
"""In the order in which a newcomer meets them. Each is a function in the module of its name."""


class Commands(click.Group):
    """Imports a command when it is asked for: all that they need loads no faster than Kafka starts."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click.Group."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click.Group."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(f"signalbox_embedded.cli.{name}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="signalbox", message="signalbox %(version)s")
def signalbox() -> None:
    """Signalbox runs a CRM's workflows: when this happens to a record, and these conditions hold, do this."""


def main() -> None:
    """Run the command line; what a person can put right is one sentence and exit code 1."""
    try:
        signalbox()
    except EmbeddedError as error:
        print(f"signalbox: {error}", file=sys.stderr)
        sys.exit(1)
