"""What may stand in a field: one check per type. Numbers stay numbers, times become UTC."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

import msgspec

from sample_crm.domain.directory import Directory
from sample_crm.domain.modules import Field, FieldType
from sample_crm.errors import Refused

TEXT_MAX = 10_000
NESTING_MAX = 16
PLAIN_MAX_BYTES = 50_000
"""An event holds a record twice, and takes 1 MiB."""
_PLAIN = (
    f"nested {NESTING_MAX} levels and {PLAIN_MAX_BYTES:,} bytes long at most, without odd numbers or texts"
)
NUMBER_MAX = 2**53
"""Beyond this a JSON number is not the same in every language."""


def check_value(field: Field, value: Any, directory: Directory) -> Any:
    """`value` as it is stored in `field`. Raises Refused with a sentence that says what is allowed."""
    if value is None or value == "":
        if field.required:
            raise _invalid(field, f"{field.label} must not be empty")
        return None
    if field.type == "user":
        return directory.require_user(value, field.name)
    return _CHECKS[field.type](field, value)


def to_text(at: datetime) -> str:
    """A time as the CRM writes it: RFC 3339 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(field: Field, value: Any) -> datetime:
    """A time with its zone; a date alone means the end of that day, UTC. Raises Refused."""
    try:
        at = datetime.fromisoformat(str(value))
        if at.tzinfo is None and "T" not in str(value):
            return datetime.combine(at.date(), time(23, 59, 59), UTC)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _invalid(field, f"{value!r} must be a time with its zone, such as 2026-11-24T10:00:00Z, or a date")


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX or "\0" in value:
        raise _invalid(field, f"it must be a text of at most {TEXT_MAX:,} characters")
    return value


def _email(field: Field, value: Any) -> str:
    address = _text(field, value)
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or any(character.isspace() for character in address):
        raise _invalid(field, f"{address[:80]!r} must be an email address")
    return address


def _url(field: Field, value: Any) -> str:
    url = _text(field, value)
    if not url.startswith(("http://", "https://")):
        raise _invalid(field, f"{url[:80]!r} must begin with http:// or https://")
    return url


def _picked(field: Field, value: Any) -> str:
    text = _text(field, value)
    if text not in field.options:
        raise _invalid(field, f"{text[:80]!r} must be one of {', '.join(field.options)}")
    return text


def _boolean(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _invalid(field, "it must be true or false")
    return value


def _object(field: Field, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not _is_plain(value):
        raise _invalid(field, f"it must be an object, {_PLAIN}")
    return value


def _list(field: Field, value: Any) -> list[Any]:
    if not isinstance(value, list) or not _is_plain(value):
        raise _invalid(field, f"it must be a list, {_PLAIN}")
    return value


def _is_plain(value: Any) -> bool:
    return _is_storable(value, NESTING_MAX) and len(msgspec.json.encode(value)) <= PLAIN_MAX_BYTES


def _is_storable(value: Any, levels: int) -> bool:
    match value:
        case dict() | list():
            inner = [*value, *value.values()] if isinstance(value, dict) else value
            return levels > 0 and all(_is_storable(each, levels - 1) for each in inner)
        case str():
            return "\0" not in value
        case int() | float():
            return abs(value) <= NUMBER_MAX
        case _:
            return True


def _number(field: Field, value: Any) -> int | float:
    number = _number_in(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _invalid(field, f"{str(value)[:80]!r} must be a number")
    if not abs(number) <= NUMBER_MAX:  # so that NaN is too large
        raise _invalid(field, "the number is too large")
    return number


def _number_in(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text) if "_" not in text else None
        except ValueError:
            continue
    return None


def _date(field: Field, value: Any) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise _invalid(field, f"{value!r} must be a date, such as 2026-11-24") from error


def _invalid(field: Field, detail: str) -> Refused:
    return Refused("invalid-value", f"{field.name}: {detail}.", field.name)


def _moment_text(field: Field, value: Any) -> str:
    return to_text(moment(field, value))


_CHECKS: Final[Mapping[FieldType, Callable[[Field, Any], Any]]] = {
    "text": _text,
    "long_text": _text,
    "phone": _text,
    "reference": _text,
    "email": _email,
    "url": _url,
    "picklist": _picked,
    "number": _number,
    "money": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _moment_text,
    "object": _object,
    "list": _list,
}
