"""Reasons of `RunWaiting` that another service acts on: written and read here, so that both agree.

>>> destination_of(breaker_open("https://erp.example:443", 5))
'https://erp.example:443'
"""

import re
from typing import Final

_WORDING: Final = "{} failed {} times in a row; it is given time to recover"
BREAKER_OPEN_PATTERN: Final = _WORDING.format("%", "%")
"""The same reason for SQL's LIKE."""
_BREAKER_OPEN: Final = re.compile(_WORDING.format("(.+)", r"\d+"))


def breaker_open(destination: str, failures: int) -> str:
    """A destination failed too often; no call is made to it for a while."""
    return _WORDING.format(destination, failures)


def destination_of(reason: str | None) -> str | None:
    """The destination whose breaker is open; None for any other reason."""
    found = _BREAKER_OPEN.fullmatch(reason or "")
    return None if found is None else found[1]
