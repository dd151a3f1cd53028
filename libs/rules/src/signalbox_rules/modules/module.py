"""What a module is: a kind of record, and the events that happen to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TriggerEvent:
    """An event of a module. A workflow on `implies` also runs for this one, which is the more specific
    name.
    """

    name: str
    label: str
    implies: tuple[str, ...] = ()
    """Names of the less specific events of the same module, nearest first, all of them."""

    narrows_by_fields: bool = False
    """May a trigger name the fields that must have changed?"""

    narrows_by_stage: bool = False
    """May a trigger name the stages left (`from`) and entered (`to`)?"""


@dataclass(frozen=True, slots=True)
class Module:
    """A kind of record: its name in topics and documents, its label for people, its events."""

    name: str
    label: str
    events: tuple[TriggerEvent, ...]


CREATED = TriggerEvent("created", "is created")
UPDATED = TriggerEvent("updated", "is updated", narrows_by_fields=True)
STAGE_CHANGED = TriggerEvent("stage_changed", "changes stage", implies=("updated",), narrows_by_stage=True)
