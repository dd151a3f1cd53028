"""What people call a record: the first of the fields that name one in most CRMs."""

from typing import Any, Final

TITLE_FIELDS: Final = ("name", "title", "subject", "number", "full_name", "email")
TITLE_MAX: Final = 200  # characters; a list has no room for more


def title_of(record: Any) -> str | None:
    """The record's name; None where no field names it."""
    if not isinstance(record, dict):
        return None
    for field in TITLE_FIELDS:
        value = record.get(field)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:TITLE_MAX]
        if type(value) is int:
            return str(value)[:TITLE_MAX]
    return None
