"""The `signalbox` command."""

import sys

import click

from signalbox_embedded.cli.conformance import conformance
from signalbox_embedded.cli.dead_letters import dead_letters
from signalbox_embedded.cli.demo import demo
from signalbox_embedded.cli.doctor import doctor
from signalbox_embedded.cli.fetch import fetch
from signalbox_embedded.cli.ledger import ledger
from signalbox_embedded.cli.runs import runs
from signalbox_embedded.cli.topics import topics
from signalbox_embedded.cli.up import up
from signalbox_embedded.cli.workflows import workflows
from signalbox_embedded.errors import EmbeddedError

COMMANDS: tuple[click.Command, ...] = (
    up,
    demo,
    fetch,
    topics,
    conformance,
    doctor,
    runs,
    ledger,
    workflows,
    dead_letters,
)


@click.group(commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def signalbox() -> None:
    """Signalbox runs a CRM's workflows: when this happens to a record, and these conditions hold, do this."""


def main() -> None:
    """Run the command line; what a person can put right is one sentence and exit code 1."""
    try:
        signalbox()
    except EmbeddedError as error:
        print(f"signalbox: {error}", file=sys.stderr)
        sys.exit(1)
