"""Every module, in the order people are offered them. Adding an event is a line in its module's file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from signalbox_rules.modules.accounts import ACCOUNTS
from signalbox_rules.modules.contacts import CONTACTS
from signalbox_rules.modules.invoices import INVOICES
from signalbox_rules.modules.leads import LEADS
from signalbox_rules.modules.module import Module, TriggerEvent
from signalbox_rules.modules.opportunities import OPPORTUNITIES
from signalbox_rules.modules.tasks import TASKS

MODULES: Final[tuple[Module, ...]] = (LEADS, OPPORTUNITIES, CONTACTS, ACCOUNTS, TASKS, INVOICES)

MODULES_BY_NAME: Final[Mapping[str, Module]] = MappingProxyType({module.name: module for module in MODULES})

EVENTS: Final[Mapping[tuple[str, str], TriggerEvent]] = MappingProxyType(
    {(module.name, event.name): event for module in MODULES for event in module.events}
)


def specific_events(module: str, event: str) -> tuple[str, ...]:
    """The events that a trigger on `event` runs for: itself, and those that imply it."""
    known = MODULES_BY_NAME.get(module)
    if known is None:
        return ()
    return tuple(other.name for other in known.events if other.name == event or event in other.implies)
