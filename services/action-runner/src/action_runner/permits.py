"""Who may make a call with `on_unknown: hold`: the process that announced it, once, while it lives."""

import secrets

PERMITS_MAX = 100_000
"""Permits whose token never came back (its partition moved) are dropped, the oldest first."""


class Permits:
    """Permits of this process. Belongs to one thread."""

    def __init__(self) -> None:
        self._issued: dict[str, int] = {}

    def issue(self, now_ms: int) -> str:
        """A permit nobody can guess."""
        permit = secrets.token_hex(16)
        self._issued[permit] = now_ms
        if len(self._issued) > PERMITS_MAX:
            del self._issued[next(iter(self._issued))]
        return permit

    def use(self, permit: str) -> bool:
        """Whether it was issued here and not used before; it is used up now."""
        return self._issued.pop(permit, None) is not None
