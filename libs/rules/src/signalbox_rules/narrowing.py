"""Triggers that name changed fields or stages: what must be true of the record, beside the event's name."""

from collections.abc import Sequence
from typing import Any, Final

from signalbox_contracts.definitions.document import Trigger
from signalbox_rules.operators.change import is_same
from signalbox_rules.paths import parse_path, present, value_at
from signalbox_rules.reading import text_key
from signalbox_rules.record_context import Record, previous_of, record_of

STAGE_FIELD: Final = "stage"


class Change:
    """A record beside what it was, for as long as one event is matched: each field is compared once."""

    __slots__ = ("_before", "_fields", "_now")

    def __init__(self, record: Any, previous: Any) -> None:
        self._now, self._before = record_of(record), previous_of(previous)
        self._fields: dict[str, bool] = {}

    def satisfies(self, trigger: Trigger) -> bool:
        """Did one of the named fields change, was the stage left one of `from`, is the new one one of `to`?

        What was not published cannot be known to have changed, so it did not.
        """
        if trigger.fields is not None and not self._changed(trigger.fields):
            return False
        if trigger.from_ is not None and (
            self._before is None or not _is_one_of(self._before, trigger.from_)
        ):
            return False
        return trigger.to is None or _is_one_of(self._now, trigger.to)

    def _changed(self, fields: Sequence[str]) -> bool:
        for field in fields:
            known = self._fields.get(field)
            if known is None:
                known = self._fields[field] = self._differs(field)
            if known:
                return True
        return False

    def _differs(self, field: str) -> bool:
        path = parse_path(field)
        return self._before is not None and not is_same(
            present(value_at(self._now, path)), present(value_at(self._before, path))
        )

    def changed_names(self) -> list[str]:
        """Names of the record's own fields that differ from the previous record."""
        now, before = self._now, self._before
        if before is None:
            return []
        names = [name for name in before if name not in now and not is_same(None, before[name])]
        for name, value in now.items():
            old, kind = before.get(name), type(value)
            if kind is type(old) and kind is not dict and kind is not list and value == old:
                continue  # most fields: no call
            if not is_same(value, old):
                names.append(name)
        for name in names:
            if "." not in name and "[" not in name:  # else a path of that text names something else
                self._fields[name] = True
        return names

    def stage(self) -> str:
        """The record's stage in the form stages are compared in; empty if it has none."""
        return _stage_of(self._now)


def _stage_of(record: Record) -> str:
    stage = record.get(STAGE_FIELD)
    return text_key(stage) if type(stage) is str else ""


def _is_one_of(record: Record, stages: tuple[str, ...]) -> bool:
    stage = _stage_of(record)
    return any(text_key(name) == stage for name in stages)
