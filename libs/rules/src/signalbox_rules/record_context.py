"""What conditions and narrowed triggers look at: a record, what it was, and when."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from signalbox_rules.effort import Effort
from signalbox_rules.verdicts import Node


class NotPublished:
    """The type of NOT_PUBLISHED: the event did not say what the record was before."""

    def __repr__(self) -> str:
        return "NOT_PUBLISHED"


NOT_PUBLISHED: Final = NotPublished()

Record = dict[str, Any]


class RecordContext(msgspec.Struct, frozen=True, gc=False):
    """The record after the event, what it was before it, and the time of the event (with a zone).

    `previous` is None if the event created the record, and NOT_PUBLISHED if the publisher left it out. All
    judgements of an event share its `effort`.
    """

    record: Any
    previous: Any
    event_time: datetime
    effort: Effort = msgspec.field(default_factory=Effort)


Decider = Callable[[Record, Record | None, RecordContext], bool]
"""(record, previous or None where it was not published, the context of both) → outcome."""

Explainer = Callable[[Record, Record | None, RecordContext], tuple[Node, str]]
"""The same → node and the sentence of its reason. Both may raise TooMuchToJudge."""


def record_of(value: Any) -> Record:
    """The record to look fields up in; anything but an object has none."""
    return value if type(value) is dict else {}


def previous_of(value: Any) -> Record | None:
    """The previous record to look fields up in: empty if there was none, None if it was not published."""
    if type(value) is dict:
        return value
    return {} if value is None else None
