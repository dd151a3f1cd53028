"""ISO 8601 durations as workflow documents write them: `PT15S`, `P1D`, `P1M`.

Calendar parts (years, months) and fixed parts (weeks to seconds) are kept apart, because a month has no
fixed length
until it is counted from a date.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_PATTERN: Final = re.compile(
    r"P(?=[0-9T])(?:(?P<years>[0-9]{1,4})Y)?(?:(?P<months>[0-9]{1,5})M)?(?:(?P<weeks>[0-9]{1,5})W)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,7})H)?(?:(?P<minutes>[0-9]{1,8})M)?(?:(?P<seconds>[0-9]{1,9}(?:\.[0-9]{1,6})?)S)?)?",
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: `months` of the calendar, then a `fixed` rest. Never negative."""

    months: int
    fixed: timedelta

    @property
    def seconds(self) -> float:
        """The length in seconds. Raises ValueError if the duration has calendar parts."""
        if self.months:
            raise ValueError("a duration with years or months has no fixed number of seconds")
        return self.fixed.total_seconds()


def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration. Raises ValueError with a sentence for the person who wrote it."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:40]!r} is not an ISO 8601 duration; "
            "write for example PT15S (15 seconds), PT10M, PT2H, P1D, P2W or P1M"
        )
    part = {name: float(value) if value else 0.0 for name, value in match.groupdict().items()}
    fixed = timedelta(
        weeks=part["weeks"],
        days=part["days"],
        hours=part["hours"],
        minutes=part["minutes"],
        seconds=part["seconds"],
    )
    return Duration(int(part["years"]) * 12 + int(part["months"]), fixed)
