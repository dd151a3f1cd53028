"""before, after and on, and dates relative to the time of the event (never of the clock, so a replay
answers the same).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from signalbox_contracts.definitions.durations import Duration, parse_duration
from signalbox_rules.errors import RulesError
from signalbox_rules.operators.operator import DATES, Takes, TimeOperator, TimeTest, ValueOperator, ValueTest
from signalbox_rules.operators.ordering import is_before, moment_test
from signalbox_rules.reading import Moment, is_empty, read_moment

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def _date(expected: Any) -> Moment:
    moment = read_moment(expected)
    if moment is None:
        raise RulesError("must be a date (2026-11-23) or a date and time (2026-11-23T10:00:00Z)")
    return moment


def before(expected: Any) -> ValueTest:
    """Earlier than the date begins, or than the instant."""
    bound = _date(expected)
    return moment_test(lambda actual: is_before(actual, bound))


def after(expected: Any) -> ValueTest:
    """Later than the date ends, or than the instant."""
    bound = _date(expected)
    return moment_test(lambda actual: is_before(bound, actual))


def on(expected: Any) -> ValueTest:
    """On the same day in UTC."""
    day = _date(expected).start.date()
    return moment_test(lambda actual: actual.start.date() == day)


def within_last(expected: Any) -> TimeTest:
    """Not in the future, and not longer ago than the duration; a date counts if any of its day does."""
    earliest = _ago(expected)
    return _relative(lambda actual, now: actual.start <= now and not _ended_before(actual, earliest(now)))


def within_next(expected: Any) -> TimeTest:
    """Not in the past, and not further ahead than the duration; a date counts if any of its day does."""
    latest = _ahead(expected)
    return _relative(lambda actual, now: actual.start <= latest(now) and not _ended_before(actual, now))


def older_than(expected: Any) -> TimeTest:
    """Longer ago than the duration; a date counts if all of its day is."""
    earliest = _ago(expected)
    return _relative(lambda actual, now: _ended_before(actual, earliest(now)))


def _ended_before(moment: Moment, instant: datetime) -> bool:
    return moment.end <= instant if moment.is_date else moment.start < instant


def _relative(test: Callable[[Moment, datetime], bool]) -> TimeTest:
    def read_and_test(actual: Any, now: datetime) -> bool:
        moment = read_moment(actual)
        return moment is not None and test(moment, now)

    return read_and_test


def _ago(expected: Any) -> Callable[[datetime], datetime]:
    duration = _duration(expected)
    return lambda now: shifted(now, duration, -1)


def _ahead(expected: Any) -> Callable[[datetime], datetime]:
    duration = _duration(expected)
    return lambda now: shifted(now, duration, 1)


def _duration(expected: Any) -> Duration:
    if type(expected) is not str:
        raise RulesError("must be an ISO 8601 duration, such as P7D or PT2H")
    try:
        return parse_duration(expected)
    except (ValueError, OverflowError) as error:
        raise RulesError(str(error)) from None


def shifted(moment: datetime, duration: Duration, sign: int) -> datetime:
    """A moment later (sign 1) or earlier (-1) by a duration. Months keep the day, or take the month's last
    one.

    What would leave the calendar is its first or last moment.
    """
    try:
        month_index = moment.year * 12 + moment.month - 1 + sign * duration.months
        year, month = divmod(month_index, 12)
        day = min(moment.day, _days_in(year, month + 1))
        return moment.replace(year=year, month=month + 1, day=day) + sign * duration.fixed
    except (ValueError, OverflowError):
        return _LAST if sign > 0 else _FIRST


def _days_in(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def date_sense(value: Any, _expected: Any) -> str | None:
    """Only ISO 8601 is read: 11/12/2026 could be November or December."""
    return None if is_empty(value) or read_moment(value) is not None else "which is not an ISO 8601 date"


DATE_OPERATORS: Final = (
    ValueOperator(
        "before",
        "is before",
        Takes.DATE,
        DATES,
        before,
        lambda value: f", not before {value}",
        example="2026-12-31",
        sense=date_sense,
    ),
    ValueOperator(
        "after",
        "is after",
        Takes.DATE,
        DATES,
        after,
        lambda value: f", not after {value}",
        example="2026-01-01",
        sense=date_sense,
    ),
    ValueOperator(
        "on",
        "is on",
        Takes.DATE,
        DATES,
        on,
        lambda value: f", not on {value}",
        example="2026-11-23",
        sense=date_sense,
    ),
    TimeOperator(
        "within_last",
        "is within the last",
        Takes.DURATION,
        DATES,
        within_last,
        lambda value: f", not within the last {value}",
        example="P7D",
        sense=date_sense,
    ),
    TimeOperator(
        "within_next",
        "is within the next",
        Takes.DURATION,
        DATES,
        within_next,
        lambda value: f", not within the next {value}",
        example="P7D",
        sense=date_sense,
    ),
    TimeOperator(
        "older_than",
        "is older than",
        Takes.DURATION,
        DATES,
        older_than,
        lambda value: f", not older than {value}",
        example="P30D",
        sense=date_sense,
    ),
)
