"""The date filter: a moment of a record, in a zone, as people write it. It knows no "now" and no "today"."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from signalbox_rules.filters.filter import Filter, FilterRefused, to_text
from signalbox_rules.reading import read_moment

FORMAT_MAX: Final = 200
_DIRECTIVE: Final = re.compile(r"%(-?[A-Za-z]|%|.|$)", re.DOTALL)
_DIRECTIVES: Final = frozenset("aAbBdeHIjmMpSuUVwWyYzZFTRD%") | {f"-{letter}" for letter in "deHIjmMSyUW"}


def format_date(value: Any, form: Any = "%Y-%m-%d", zone: Any = "UTC") -> str:
    """A date or date and time (ISO 8601) in a form (as strftime: `%d %B %Y, %H:%M`) and a zone
    (`Europe/Berlin`).

    A date has no time, so no zone moves it. Nothing gives nothing.
    """
    if value is None or value == "":
        return ""
    moment = read_moment(value)
    if moment is None:
        raise FilterRefused("the value is not an ISO 8601 date")
    pattern = to_text(form)
    if len(pattern) > FORMAT_MAX:
        raise FilterRefused(f"a form of a date has at most {FORMAT_MAX} characters")
    unknown = [letter for letter in _DIRECTIVE.findall(pattern) if letter not in _DIRECTIVES]
    if unknown:
        raise FilterRefused(f"%{unknown[0]} is not a part of a form of a date; write for example %d %B %Y")
    local = moment.start if moment.is_date else _moved(moment.start, _zone(to_text(zone)))
    return _formatted(local, pattern)


def _moved(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        raise FilterRefused("the date is outside the calendar of that zone") from None


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise FilterRefused(
            f"{name[:60]!r} is not a time zone; write for example UTC or Europe/Berlin"
        ) from None


def _formatted(moment: datetime, pattern: str) -> str:
    try:
        return moment.strftime(pattern)
    except (ValueError, UnicodeError):
        raise FilterRefused(f"{pattern[:40]!r} is not a form of a date; write for example %d %B %Y") from None


def days_later(value: Any, days: Any) -> str:
    """The date so many days later."""
    moment = read_moment(value)
    if moment is None or type(days) is not int:
        raise FilterRefused("plus_days needs an ISO 8601 date and a whole number of days")
    try:
        day: date = moment.start.date() + timedelta(days=days)
    except OverflowError:
        raise FilterRefused("the date is outside the calendar") from None
    return day.isoformat()


DATE_FILTERS: Final = (
    Filter(
        "date",
        "a date in a form and a zone",
        '{{ event.time | date: "%d %B %Y", "Europe/Berlin" }}',
        format_date,
    ),
    Filter("plus_days", "the date some days later", "{{ event.time | plus_days: 14 }}", days_later),
)
