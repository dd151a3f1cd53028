"""Triggers that name changed fields or stages: what must be true of the record, beside the event's name."""

from typing import Any, Final

from signalbox_contracts.definitions import Trigger
from signalbox_rules.operators.change import is_same
from signalbox_rules.paths import MISSING, parse_path, value_at
from signalbox_rules.reading import text_key
from signalbox_rules.record_context import previous_of, record_of

STAGE_FIELD: Final = "stage"


def is_narrowed(trigger: Trigger) -> bool:
    """Does the trigger look at the record?"""
    return trigger.fields is not None or trigger.from_ is not None or trigger.to is not None


def narrowing_holds(trigger: Trigger, record: Any, previous: Any) -> bool:
    """Did one of the named fields change, was the stage left one of `from`, is the one entered one of `to`?

    What was not published cannot be known to have changed, so it did not.
    """
    now, before = record_of(record), previous_of(previous)
    if trigger.fields is not None and (
        before is None or not any(_changed(field, now, before) for field in trigger.fields)
    ):
        return False
    if trigger.from_ is not None and (before is None or not _is_stage(before, trigger.from_)):
        return False
    return trigger.to is None or _is_stage(now, trigger.to)


def _changed(field: str, now: dict[str, Any], before: dict[str, Any]) -> bool:
    path = parse_path(field)
    return not is_same(_value(now, path), _value(before, path))


def _value(record: dict[str, Any], path: Any) -> Any:
    found = value_at(record, path)
    return None if found is MISSING else found


def _is_stage(record: dict[str, Any], stages: tuple[str, ...]) -> bool:
    stage = stage_key(record)
    return any(text_key(name) == stage for name in stages)


def stage_key(record: Any) -> str:
    """The record's stage in the form stages are compared in; empty if it has none."""
    stage = record_of(record).get(STAGE_FIELD)
    return text_key(stage) if type(stage) is str else ""


def changed_roots(record: Any, previous: Any) -> list[str]:
    """Names of the record's own fields that differ from the previous record."""
    now, before = record_of(record), previous_of(previous)
    if before is None:
        return []
    return [name for name in {**before, **now} if not is_same(now.get(name), before.get(name))]
