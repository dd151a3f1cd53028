"""How values of a record are read: as text, number, truth or moment. ADR 0010 has the table these functions
keep to.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

NUMBER_TEXT_MAX: Final = 40  # characters; longer digits are an identifier, not an amount
MOMENT_TEXT_MAX: Final = 40

_NUMBER: Final = re.compile(r"(-?)(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_DAY: Final = timedelta(days=1)
_LAST_DAY: Final = datetime(9999, 12, 31, tzinfo=UTC)  # "for ever" in many a CRM
_LAST_MOMENT: Final = datetime.max.replace(tzinfo=UTC)


class Moment(NamedTuple):
    """When something was: an instant has `start == end`; a date is the whole day in UTC, `end` exclusive."""

    start: datetime
    end: datetime
    is_date: bool


def fold(text: str) -> str:
    """Text without the differences people do not see: letter case and composed or decomposed accents."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def text_key(text: str) -> str:
    """What two texts have in common if they are equal: folded, and without white space at both ends."""
    return fold(text.strip())


def is_empty(value: Any) -> bool:
    """Missing (as None), null, text of white space only, an empty list or object."""
    if value is None:
        return True
    kind = type(value)
    if kind is str:
        return not value or value.isspace()
    return (kind is list or kind is dict) and not value


def read_number(value: Any) -> int | float | None:
    """A number, or text that can only be one: `50000.00`, `50,000`, `$50,000`, `-3`. Else None."""
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is not str or len(value) > NUMBER_TEXT_MAX:
        return None
    return _number_of_text(value)


def _number_of_text(text: str) -> int | float | None:
    digits = text.strip()
    if not digits or not ("0" <= digits[-1] <= "9"):
        return None
    negative = digits[0] == "-"
    if negative:
        digits = digits[1:].lstrip()
    if digits and unicodedata.category(digits[0]) == "Sc":
        digits = digits[1:].lstrip()
    if _NUMBER.fullmatch(digits) is None or (negative and digits[0] == "-"):
        return None
    plain = digits.replace(",", "")
    number = float(plain) if "." in plain else int(plain)
    return -number if negative else number


def read_truth(value: Any) -> bool | None:
    """true or false, or the texts `true` and `false` in any case. Anything else is None."""
    if value is True or value is False:
        return bool(value)
    if type(value) is str and len(value) <= NUMBER_TEXT_MAX:
        match value.strip().lower():
            case "true":
                return True
            case "false":
                return False
    return None


def read_moment(value: Any) -> Moment | None:
    """An ISO 8601 date or date and time; without a zone it is UTC. Anything else is None."""
    if type(value) is not str or len(value) > MOMENT_TEXT_MAX:
        return None
    text = value.strip()
    if _MOMENT.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == 10:
            start = moment.replace(tzinfo=UTC)
            return Moment(start, start + _DAY if start < _LAST_DAY else _LAST_MOMENT, is_date=True)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Moment(moment, moment, is_date=False)
