"""What docs/guides/integrating-a-crm.md shows is what the code takes."""

import re
from pathlib import Path

import msgspec
import pytest

from signalbox_contracts import examples
from signalbox_contracts.cloudevents import read_event
from signalbox_contracts.messages import CrmCommand
from signalbox_rules.modules.registry import EVENTS
from signalbox_rules.record_catalog import Catalog

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "integrating-a-crm.md").read_text(encoding="utf-8")


def test_the_event_that_it_shows_is_read() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    event = read_event("crm.leads", b"acme/leads/lead-42", shown.encode(), [])

    assert (event.event_id, event.module, event.event) == ("evt-1", "leads", "created")


def test_the_events_that_it_lists_are_all_there_are() -> None:
    table = re.findall(r"^\| ([a-z, ]+) \| ([a-z_, ]+) \|$", GUIDE, re.MULTILINE)
    listed = {
        (module, event)
        for modules, events in table
        if modules != "module"
        for module in modules.split(", ")
        for event in events.split(", ")
    }

    assert listed == set(EVENTS)


def test_the_catalog_that_it_shows_is_read() -> None:
    module = re.search(r"`(\{\"module\".*?\]\})`", GUIDE, re.DOTALL)
    users = re.search(r"`(\[\{\"id\": \"u-1\".*?\])`", GUIDE)
    assert module
    assert users
    catalog = Catalog.from_json([module[1].encode()], users[1].encode())

    assert catalog.modules["leads"].fields["source"].options == ("Web Form", "Referral")
    assert catalog.users["u-1"].email == "ada@crm.example"


@pytest.mark.parametrize("example", examples.examples_of("CrmCommand"), ids=lambda each: each.name)
def test_the_parameters_of_every_example_command_are_documented(example: examples.Example) -> None:
    command = example.message
    assert isinstance(command, CrmCommand)
    row = next(line for line in GUIDE.splitlines() if line.startswith(f"| `{command.type}`"))

    assert set(msgspec.json.decode(command.parameters)) <= set(re.findall(r"`([a-z_]+)`", row))
