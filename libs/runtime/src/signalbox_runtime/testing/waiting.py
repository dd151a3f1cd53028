"""Waiting for what must come, with a patience that a machine under load does not exhaust."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 180.0
"""A bound, so that what never comes is a failure with a name. Nothing is expected to take that long."""
_PAUSE_SECONDS = 0.05


def eventually(look: Callable[[], T | None], what: str, seconds: float | None = None) -> T:
    """What `look` finds, asked again and again until it is true; `what` says in a few words what that is.

    Raises AssertionError naming `what` when it has not come within `seconds`, or else PATIENCE_SECONDS.
    """
    patience_seconds = PATIENCE_SECONDS if seconds is None else seconds
    give_up_at = monotonic() + patience_seconds
    while not (found := look()):
        if monotonic() > give_up_at:
            raise AssertionError(f"{what}: not within {patience_seconds:.0f} s")
        sleep(_PAUSE_SECONDS)
    return found
