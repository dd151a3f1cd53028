"""Texts in bodies: what PostgreSQL and people can keep."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from workflow_api.domain.documents import unstorable_texts

ONE_LINE = "must be one line that is not blank, without control characters"


def is_one_line(value: str) -> bool:
    """Whether a reader sees something, and all of it in one line."""
    return bool(value.strip()) and all(unicodedata.category(character) != "Cc" for character in value)


def _one_line(value: str) -> str:
    if not is_one_line(value):
        raise ValueError(ONE_LINE)
    return value


def _storable(value: str) -> str:
    if unstorable_texts(value):
        raise ValueError("has a character that can't be kept (U+0000 or half a surrogate pair)")
    return value


NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A name that stands in paths, Kafka keys and workflow documents."""
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_storable), AfterValidator(_one_line)
]
Note = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_storable)]
Body = Annotated[str, StringConstraints(max_length=262_144), AfterValidator(_storable)]
EmailAddress = Annotated[
    str,
    StringConstraints(max_length=254, pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+$"),
    AfterValidator(_storable),
]
